import { decodeBuiltin } from "../builtin/decode.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import type { Faults } from "../faults.ts";
import type { Codec } from "../registry/resource.ts";
import { byBytes, copy, isObject, type JsonObject } from "../wire/json.ts";
import { applyDefaults, dropNulls } from "./defaulting.ts";
import { coerceEmbedded } from "./embedded.ts";
import { prune } from "./prune.ts";
import type { Schema } from "./schema.ts";

/** One version of a custom resource, for its codec. */
export interface CustomVersion {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: Schema;
  readonly types: GoTypes;
  readonly faults: Faults;
}

/** Reads and writes custom objects: pruned, defaulted, metadata as Go has it. Conversion changes apiVersion only. */
export function customCodec({ apiVersion, kind, schema, types, faults }: CustomVersion): Codec {
  const shown = new WeakMap<JsonObject, JsonObject>();
  return {
    read(value) {
      const object = copy(value);
      const given = isObject(object["metadata"]) ? object["metadata"] : {};
      const meta = decodeBuiltin(types, "meta.v1.ObjectMeta", given);
      object["metadata"] = meta.object;
      object["apiVersion"] = apiVersion;
      object["kind"] = kind;
      const gone = faults["no-pruning"] ? [] : prune(object, schema);
      const unknown = coerceEmbedded(object, schema, types);
      if (!faults["no-defaulting"]) {
        dropNulls(object, schema);
        applyDefaults(object, schema);
      }
      const strict = [...gone, ...unknown, ...meta.unknown.map((each) => `metadata.${each}`)].sort(byBytes);
      return { object, strict: strict.map((each) => `unknown field ${JSON.stringify(each)}`) };
    },
    write(stored) {
      const known = shown.get(stored);
      if (known) return known;
      const object = { ...copy(stored), apiVersion, kind };
      if (!faults["no-pruning"]) prune(object, schema);
      if (!faults["no-defaulting"]) applyDefaults(object, schema);
      shown.set(stored, object);
      return object;
    },
  };
}
