import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { isObject, type Json, type JsonObject, parseJson, setOwn } from "../wire/json.ts";
import type { GoField, GoType, GoTypes } from "./go-types.ts";

/** The first bytes of every protobuf body of the Kubernetes API. */
const magic = Buffer.from("k8s\0", "latin1");

/** A body in the protobuf form of the API: what it says it is, and the object behind it. */
export interface ProtobufBody {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object as JSON, once its type is known. */
  read(types: GoTypes, struct: string): JsonObject;
}

/** Opens a protobuf body. Throws an Error when it is none. */
export function openProtobuf(bytes: Uint8Array): ProtobufBody {
  if (!Buffer.from(bytes.subarray(0, 4)).equals(magic)) {
    throw new Error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  const fields = split(bytes.subarray(4));
  const meta = split(bytesOf(fields.get(1)?.at(-1)));
  const raw = bytesOf(fields.get(2)?.at(-1));
  return {
    apiVersion: textOf(meta.get(1)?.at(-1)),
    kind: textOf(meta.get(2)?.at(-1)),
    read: (types, struct) => readStruct(types, struct, [raw]),
  };
}

type Wire = Uint8Array | bigint;
type Fields = ReadonlyMap<number, readonly Wire[]>;

function split(bytes: Uint8Array): Fields {
  const fields = new Map<number, Wire[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const list = fields.get(number) ?? [];
    fields.set(number, list);
    if (type === WireType.LengthDelimited) list.push(reader.bytes());
    else if (type === WireType.Varint) list.push(BigInt(reader.int64()));
    else if (type === WireType.Bit64) list.push(doubleBits(reader.double()));
    else reader.skip(type, number);
  }
  return fields;
}

const doubleBits = (value: number): Uint8Array => new Uint8Array(new Float64Array([value]).buffer);
const bytesOf = (wire: Wire | undefined): Uint8Array => (wire instanceof Uint8Array ? wire : new Uint8Array());
const textOf = (wire: Wire | undefined): string => Buffer.from(bytesOf(wire)).toString("utf8");
const numberOf = (wire: Wire | undefined): bigint => (typeof wire === "bigint" ? wire : 0n);

/** Several encodings of one message are one message: protobuf merges them. */
function readStruct(types: GoTypes, struct: string, parts: readonly Uint8Array[]): JsonObject {
  const fields = split(Buffer.concat(parts));
  const result: JsonObject = {};
  for (const field of types.fields(struct).values()) {
    const wires = follow(fields, field);
    if (wires.length === 0) continue;
    const value = readField(types, field.type, wires);
    if (value !== undefined) setOwn(result, field.name, value);
  }
  return result;
}

function follow(fields: Fields, { numbers }: GoField): readonly Wire[] {
  const [first, second] = numbers;
  const wires = first === undefined ? [] : (fields.get(first) ?? []);
  if (second === undefined) return wires;
  return wires.flatMap((wire) => split(bytesOf(wire)).get(second) ?? []);
}

function readField(types: GoTypes, type: GoType, wires: readonly Wire[]): Json | undefined {
  switch (type.is) {
    case "pointer":
      return readField(types, type.to, wires);
    case "list":
      return wires.map((wire) => readField(types, type.of, [wire]) ?? null);
    case "map": {
      const result: JsonObject = {};
      for (const wire of wires) {
        const entry = split(bytesOf(wire));
        setOwn(result, textOf(entry.get(1)?.at(-1)), readMapValue(types, type.of, entry.get(2) ?? []));
      }
      return result;
    }
    case "struct":
      return readStruct(types, type.name, wires.map(bytesOf));
    case "scalar":
      return readScalarWire(type.name, wires.at(-1));
  }
}

/** A named list as the value of a map is a message of its own. */
function readMapValue(types: GoTypes, type: GoType, wires: readonly Wire[]): Json {
  if (type.is === "list")
    return (
      readField(
        types,
        type,
        wires.flatMap((wire) => split(bytesOf(wire)).get(1) ?? []),
      ) ?? []
    );
  const value = readField(types, type, wires.length === 0 ? [new Uint8Array()] : wires);
  return value ?? "";
}

function readScalarWire(name: string, wire: Wire | undefined): Json | undefined {
  switch (name) {
    case "string":
      return textOf(wire);
    case "bool":
      return numberOf(wire) !== 0n;
    case "int":
    case "int32":
    case "int64":
    case "uint8": {
      const value = BigInt.asIntN(64, numberOf(wire));
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case "float64":
      return new Float64Array(bytesOf(wire).slice().buffer)[0] ?? 0;
    case "bytes":
      return Buffer.from(bytesOf(wire)).toString("base64");
    default:
      return readMessage(name, split(bytesOf(wire)));
  }
}

/** Scalars of JSON that are messages in protobuf. */
function readMessage(name: string, fields: Fields): Json | undefined {
  const last = (number: number): Wire | undefined => fields.get(number)?.at(-1);
  switch (name) {
    case "resource.Quantity":
      return textOf(last(1)) || "0";
    case "intstr.IntOrString":
      return numberOf(last(1)) === 1n ? textOf(last(3)) : Number(numberOf(last(2)));
    case "meta.v1.Time":
      return fields.size === 0 ? undefined : `${timeOf(last(1)).slice(0, 19)}Z`;
    case "meta.v1.MicroTime":
      return fields.size === 0
        ? undefined
        : `${timeOf(last(1)).slice(0, 19)}.${String(numberOf(last(2)) / 1000n).padStart(6, "0")}Z`;
    default: {
      const raw = textOf(last(1));
      const value = raw === "" ? undefined : parseJson(raw);
      return isObject(value) ? value : undefined;
    }
  }
}

const timeOf = (wire: Wire | undefined): string =>
  new Date(Number(BigInt.asIntN(64, numberOf(wire))) * 1000).toISOString();
