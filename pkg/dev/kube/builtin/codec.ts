import type { Codec, ReadObject } from "../registry/resource.ts";
import { equalJson, type Json, type JsonObject } from "../wire/json.ts";
import { decodeBuiltin } from "./decode.ts";
import type { GoTypes } from "./go-types.ts";

/** What a built-in kind brings besides its Go type. */
export interface CodecOptions {
  readonly struct: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Fills in defaults; changes its argument. */
  readonly defaults?: (object: JsonObject) => void;
  /** Between the version on the wire and the stored one, where they differ. */
  readonly toStored?: (object: JsonObject) => JsonObject;
  readonly fromStored?: (object: JsonObject) => JsonObject;
}

/** Reads and writes objects of a built-in kind through its Go type. */
export function builtinCodec(types: GoTypes, options: CodecOptions): Codec {
  const typed = (object: JsonObject): JsonObject => ({
    kind: options.kind,
    apiVersion: options.apiVersion,
    ...without(object),
  });
  return {
    struct: options.struct,
    read(value: JsonObject): ReadObject {
      const { object, unknown } = decodeBuiltin(types, options.struct, value);
      options.defaults?.(object);
      const full = typed(decodeBuiltin(types, options.struct, object).object);
      return {
        object: options.toStored?.(full) ?? full,
        strict: unknown.map((each) => `unknown field ${JSON.stringify(each)}`),
      };
    },
    write(stored: JsonObject): JsonObject {
      return typed(options.fromStored?.(stored) ?? stored);
    },
  };
}

function without(object: JsonObject): JsonObject {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}

/** Changes only what is absent or equals the zero value. */
export function fill(object: JsonObject, field: string, value: Json, ...zeroes: readonly Json[]): void {
  const current = object[field];
  if (current === undefined || current === null || zeroes.some((zero) => equalJson(zero, current)))
    object[field] = value;
}
