import * as z from "zod";
import type { JsonSchema } from "./custom-resource-definition.ts";
import type { FieldDetails, Rule } from "./rule.ts";

/** What zod writes for a field, before it is made structural. */
interface RawSchema extends Omit<JsonSchema, "properties" | "items" | "additionalProperties"> {
  crd?: FieldDetails;
  properties?: Record<string, RawSchema>;
  items?: RawSchema;
  additionalProperties?: RawSchema | boolean;
  anyOf?: unknown;
  oneOf?: unknown;
  allOf?: unknown;
}

/**
 * The OpenAPI schema of a definition in the structural form that CustomResourceDefinitions ask for.
 * Throws where the definition has no such form (alternatives, values of any type).
 */
export function structural(definition: z.ZodType): JsonSchema {
  const raw = z.toJSONSchema(definition, {
    target: "openapi-3.0",
    io: "input",
    reused: "inline",
    cycles: "throw",
    unrepresentable: "any",
  }) as RawSchema;
  return convert(raw, "", []);
}

function convert(raw: RawSchema, path: string, inherited: readonly Rule[]): JsonSchema {
  const { crd = {}, properties, items, additionalProperties, anyOf: _anyOf, oneOf, allOf, ...rest } = raw;
  if (oneOf !== undefined || allOf !== undefined) {
    throw new Error(`${path}: not structural: use optional fields and a rule`);
  }
  if (crd.opaque) return { type: "object" };
  const schema: JsonSchema = withoutSafeLimits(rest);
  if (properties !== undefined) {
    schema.properties = mapValues(properties, (child, name) =>
      convert(child, path === "" ? name : `${path}.${name}`, crd.fieldRules?.[name] ?? []),
    );
  }
  if (items !== undefined) schema.items = convert(items, `${path}[]`, []);
  if (typeof additionalProperties === "object" && schema["x-kubernetes-preserve-unknown-fields"] !== true) {
    schema.additionalProperties = convert(additionalProperties, `${path}{}`, []);
  }
  const rules = [...inherited, ...(crd.rules ?? [])];
  if (rules.length > 0) schema["x-kubernetes-validations"] = rules.map(({ rule, message }) => ({ rule, message }));
  if (schema.type === undefined && schema["x-kubernetes-int-or-string"] !== true) {
    throw new Error(`${path}: not structural: the type is open; use preserveUnknown`);
  }
  return schema;
}

/** zod bounds whole numbers by what a JavaScript number holds; that is our limit, not the API's. */
function withoutSafeLimits({ minimum, maximum, ...schema }: JsonSchema): JsonSchema {
  return {
    ...schema,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

function mapValues<A, B>(record: Record<string, A>, turn: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, turn(value, key)]));
}
