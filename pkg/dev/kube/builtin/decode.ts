import { byBytes, isObject, type Json, type JsonObject, setOwn } from "../wire/json.ts";
import type { GoField, GoType, GoTypes } from "./go-types.ts";
import { readScalar } from "./scalars.ts";

/** JSON that does not fit the Go type it is meant for; the message is Go's. */
export class UnmarshalError extends Error {}

/** What decoding a built-in object gave. `unknown` are the paths of fields that its type does not have. */
export interface Decoded {
  readonly object: JsonObject;
  readonly unknown: readonly string[];
}

interface Position {
  /** The struct around the value, as Go names it in errors. */
  readonly struct: string;
  /** Field names from the root, as Go names them in errors. */
  readonly stack: readonly string[];
  /** The same with list positions and map keys, as strict errors name it. */
  readonly path: string;
}

/**
 * Reads JSON the way Go reads it into a struct and writes it again: unknown fields are dropped and reported, null
 * is the zero value, and empty values are left out where the type says so. Throws UnmarshalError.
 */
export function decodeBuiltin(types: GoTypes, name: string, value: JsonObject): Decoded {
  const decoder = new Decoder(types);
  const object = decoder.struct(name, value, { struct: "", stack: [], path: "" });
  if (decoder.failure) throw decoder.failure;
  return { object, unknown: decoder.unknown };
}

class Decoder {
  readonly unknown: string[] = [];
  failure: UnmarshalError | undefined;
  readonly #types: GoTypes;

  constructor(types: GoTypes) {
    this.#types = types;
  }

  struct(name: string, value: Json, around: Position): JsonObject {
    const fields = this.#types.fields(name);
    const given = isObject(value) ? value : {};
    const read = new Map<string, Json | undefined>();
    const shortName = name.split(".").at(-1) ?? name;
    for (const [key, each] of Object.entries(given)) {
      const field = fields.get(key);
      const path = around.path === "" ? key : `${around.path}.${key}`;
      if (field === undefined) this.unknown.push(path);
      else read.set(key, this.#value(field.type, each, { struct: shortName, stack: [...around.stack, key], path }));
    }
    const result: JsonObject = {};
    for (const field of fields.values()) {
      const kept = this.#written(field, read.get(field.name));
      if (kept !== undefined) result[field.name] = kept;
    }
    return result;
  }

  /** What Go would write for a field, or undefined when it leaves the field out. */
  #written(field: GoField, value: Json | undefined): Json | undefined {
    if (value === undefined || value === null || isVoid(field.type, value)) return this.#absent(field);
    if (field.omitZero && isZero(field.type, value)) return undefined;
    if (field.omitEmpty && isEmpty(field.type, value)) return undefined;
    return value;
  }

  #absent(field: GoField): Json | undefined {
    const { type } = field;
    if (field.omitZero) return undefined;
    if (type.is === "struct") return this.struct(type.name, {}, { struct: "", stack: [], path: "" });
    if (type.is === "scalar" && wholeScalars.has(type.name))
      return field.omitEmpty && type.name !== "meta.v1.Time" && type.name !== "meta.v1.MicroTime"
        ? undefined
        : zeroScalar(type.name);
    if (field.omitEmpty) return undefined;
    if (type.is === "scalar") return zeroScalar(type.name);
    return null;
  }

  #value(type: GoType, value: Json, at: Position): Json | undefined {
    if (value === null) return undefined;
    switch (type.is) {
      case "pointer":
        return this.#value(type.to, value, at) ?? this.#zero(type.to);
      case "struct":
        if (!isObject(value)) return this.#mismatch(value, type, at);
        return this.struct(type.name, value, at);
      case "list":
        return this.#list(type.of, type, value, at);
      case "map":
        return this.#map(type.of, type, value, at);
      case "scalar":
        return this.#scalar(type, value, at);
    }
  }

  #zero(type: GoType): Json {
    if (type.is === "struct") return this.struct(type.name, {}, { struct: "", stack: [], path: "" });
    return type.is === "scalar" ? zeroScalar(type.name) : null;
  }

  #list(of: GoType, type: GoType, value: Json, at: Position): Json | undefined {
    if (!Array.isArray(value)) return this.#mismatch(value, type, at);
    return value.map((each, index) => this.#value(of, each, { ...at, path: `${at.path}[${index}]` }) ?? this.#zero(of));
  }

  #map(of: GoType, type: GoType, value: Json, at: Position): Json | undefined {
    if (!isObject(value)) return this.#mismatch(value, type, at);
    const result: JsonObject = {};
    for (const [key, each] of Object.entries(value).sort(([a], [b]) => byBytes(a, b))) {
      setOwn(result, key, this.#value(of, each, { ...at, path: `${at.path}.${key}` }) ?? this.#zero(of));
    }
    return result;
  }

  #scalar(type: GoType & { is: "scalar" }, value: Json, at: Position): Json | undefined {
    const read = readScalar(type.name, value);
    if (read.problem !== undefined) {
      this.failure ??= new UnmarshalError(read.problem);
      return undefined;
    }
    return read.value === undefined ? this.#mismatch(value, type, at) : read.value;
  }

  #mismatch(value: Json, type: GoType, at: Position): undefined {
    const where = at.struct === "" ? "Go value" : `Go struct field ${at.struct}.${at.stack.join(".")}`;
    this.failure ??= new UnmarshalError(
      `json: cannot unmarshal ${goWord(value, type)} into ${where} of type ${type.text}`,
    );
    return undefined;
  }
}

function goWord(value: Json, type: GoType): string {
  if (Array.isArray(value)) return "array";
  if (isObject(value)) return "object";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return type.is === "scalar" && /^u?int/.test(type.name) ? `number ${value}` : "number";
}

/** Scalars that are structs in Go, so that omitempty never leaves them out. */
const wholeScalars = new Set(["resource.Quantity", "intstr.IntOrString", "meta.v1.Time", "meta.v1.MicroTime"]);

function zeroScalar(name: string): Json {
  switch (name) {
    case "bool":
      return false;
    case "resource.Quantity":
      return "0";
    case "meta.v1.Duration":
      return "0s";
    case "int":
    case "int32":
    case "int64":
    case "uint8":
    case "float64":
    case "intstr.IntOrString":
      return 0;
    case "string":
      return "";
    default:
      return null;
  }
}

/** Empty lists and maps: storage does not tell them from absent ones. */
function isVoid(type: GoType, value: Json): boolean {
  return (type.is === "list" || type.is === "map") && Object.keys(value as object).length === 0;
}

function isEmpty(type: GoType, value: Json): boolean {
  if (type.is === "pointer" || type.is === "struct") return false;
  if (type.is === "scalar" && wholeScalars.has(type.name)) return false;
  if (typeof value === "object" && value !== null && type.is !== "scalar") return Object.keys(value).length === 0;
  return value === "" || value === 0 || value === 0n || value === false;
}

function isZero(type: GoType, value: Json): boolean {
  if (type.is === "struct") return isObject(value) && Object.keys(value).length === 0;
  return isEmpty(type, value);
}
