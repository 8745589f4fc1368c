import type { Faults } from "../faults.ts";
import type { Call } from "../registry/context.ts";
import { metaOf } from "../registry/context.ts";
import { validateMeta, validateMetaUpdate } from "../registry/object-meta.ts";
import type { Strategy } from "../registry/resource.ts";
import { sameBesidesMeta } from "../registry/writes.ts";
import { type FieldError, invalid } from "../wire/field-error.ts";
import { copy, type Json, type JsonObject, objectAt, textsAt } from "../wire/json.ts";
import { dnsSubdomain, qualifiedName } from "../wire/names.ts";
import { embeddedErrors } from "./embedded.ts";
import { listTypeErrors } from "./list-types.ts";
import type { Rules } from "./rules.ts";
import { hasRules, propertiesOf, type Schema } from "./schema.ts";
import { validateSchema } from "./validate.ts";

/** What the strategies of a custom resource depend on. */
export interface CustomRules {
  readonly schema: Schema;
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  readonly rules: Rules;
  readonly faults: Faults;
}

const blocking = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
const unchecked =
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/** The strategy of the resource itself. */
export function customStrategy(custom: CustomRules): Strategy {
  const { schema, namespaced, hasStatus, faults } = custom;
  return {
    unconditionalUpdate: false,
    createOnUpdate: false,
    prepareCreate(next) {
      if (hasStatus) delete next["status"];
      metaOf(next)["generation"] = 1;
    },
    validateCreate(next, call) {
      const errors = [
        ...validateMeta(objectAt(next, "metadata"), namespaced, dnsSubdomain),
        ...schemaErrors(custom, next, undefined),
        ...embeddedErrors(next, schema),
        ...listTypeErrors(schema, next),
      ];
      return [...errors, ...ruleErrors(custom, next, undefined, errors, call)];
    },
    prepareUpdate(next, old) {
      if (hasStatus && !faults["status-writes-spec"]) keepOrDrop(next, old, "status");
      bump(next, old, sameBesidesMeta(next, old));
    },
    validateUpdate(next, old, call) {
      const listErrors = listTypeErrors(schema, old).length === 0 ? listTypeErrors(schema, next) : [];
      const errors = [
        ...validateMetaUpdate(objectAt(next, "metadata"), objectAt(old, "metadata")),
        ...schemaErrors(custom, next, old),
        ...embeddedErrors(next, schema),
        ...listErrors,
      ];
      return [...errors, ...ruleErrors(custom, next, old, errors, call)];
    },
    warnings: finalizerWarnings,
  };
}

/** The strategy of the status subresource: all but status stays as it is. */
export function customStatusStrategy(custom: CustomRules): Strategy {
  const { schema, faults } = custom;
  return {
    ...customStrategy(custom),
    prepareUpdate(next, old) {
      if (faults["status-writes-spec"]) return;
      const managed = objectAt(next, "metadata")["resourceVersion"];
      const status = next["status"];
      for (const field of Object.keys(next)) delete next[field];
      Object.assign(next, copy(old));
      if (status === undefined) delete next["status"];
      else next["status"] = status;
      const meta = metaOf(next);
      if (managed !== undefined) meta["resourceVersion"] = managed;
    },
    validateUpdate(next, old, call) {
      const statusSchema = propertiesOf(schema)["status"];
      const status = next["status"];
      const errors: FieldError[] = [...validateMetaUpdate(objectAt(next, "metadata"), objectAt(old, "metadata"))];
      if (statusSchema !== undefined && status !== undefined && !faults["no-schema-validation"]) {
        errors.push(...validateSchema(statusSchema, status, old["status"], "status"));
        if (listTypeErrors(schema, old).length === 0) errors.push(...listTypeErrors(schema, next));
      }
      return [...errors, ...ruleErrors(custom, next, old, errors, call)];
    },
    warnings: () => [],
  };
}

function schemaErrors({ schema, faults }: CustomRules, next: JsonObject, old: JsonObject | undefined): FieldError[] {
  if (faults["no-schema-validation"]) return [];
  const { metadata: _next, ...rest } = next;
  const { metadata: _old, ...before } = old ?? {};
  const { metadata: _schema, ...properties } = propertiesOf(schema) as { metadata?: Json } & Record<string, Schema>;
  return validateSchema(
    { ...schema, ...("properties" in schema ? { properties } : {}) },
    rest,
    old === undefined ? undefined : before,
  );
}

function ruleErrors(
  { schema, rules }: CustomRules,
  next: JsonObject,
  old: JsonObject | undefined,
  errors: readonly FieldError[],
  call: Call,
): FieldError[] {
  if (!hasRules(schema)) return [];
  if (errors.some((each) => blocking.has(each.type))) return [invalid("", null, unchecked)];
  const found = rules.check(schema, next, old);
  call.warnings.push(...found.warnings);
  return found.errors;
}

function keepOrDrop(next: JsonObject, old: JsonObject, field: string): void {
  const value = old[field];
  if (value === undefined) delete next[field];
  else next[field] = copy(value);
}

function bump(next: JsonObject, old: JsonObject, same: boolean): void {
  if (!same) metaOf(next)["generation"] = Number(objectAt(old, "metadata")["generation"] ?? 0) + 1;
}

const standard = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

function finalizerWarnings(next: JsonObject, old: JsonObject | undefined): string[] {
  const before = new Set(textsAt(old, "metadata", "finalizers"));
  const added = [...new Set(textsAt(next, "metadata", "finalizers"))].filter((each) => !before.has(each)).sort();
  return added.flatMap((each) => {
    const quoted = `metadata.finalizers: ${JSON.stringify(each)}`;
    const complaints = qualifiedName(each).map((why) => `${quoted}: ${why}`);
    if (each.includes("/") || standard.has(each)) return complaints;
    const path = each.includes(".") ? " including a path (/)" : "";
    return [
      ...complaints,
      `${quoted}: prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    ];
  });
}
