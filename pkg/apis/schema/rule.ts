import { isDeepStrictEqual } from "node:util";
import type * as z from "zod";

/**
 * One rule of a field: the CEL text that the API server runs, and the same judgement in TypeScript.
 * A rule that mentions `oldSelf` is a transition rule: it holds between an object and its successor, and is asked
 * only where both have the field.
 */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  holds(self: unknown, oldSelf: unknown): boolean;
}

/** What a field carries beyond its JSON schema; kept in zod's metadata under the key `crd`. */
export interface FieldDetails {
  readonly rules?: readonly Rule[];
  /** On objects: rules that stand on a field but need its name. */
  readonly fieldRules?: Readonly<Record<string, readonly Rule[]>>;
  /** `always`: the value never changes. `once`: nor may it be removed, though it may be set later. */
  readonly immutable?: "always" | "once";
  /** Checked here in full, but only `type: object` in the manifest: the API server knows the rest. */
  readonly opaque?: true;
  /** The value is a bigint in memory. */
  readonly int64?: true;
}

/** The details of this very field; wrappers such as `optional` have none of their own. */
export function detailsOf(field: z.core.$ZodType): FieldDetails {
  return ((field as z.ZodType).meta()?.["crd"] ?? {}) as FieldDetails;
}

/** The field without `optional`, `withDefault` and the like. */
export function unwrap(field: z.core.$ZodType): z.core.$ZodType {
  const inner = (field._zod.def as { innerType?: z.core.$ZodType }).innerType;
  return inner === undefined ? field : unwrap(inner);
}

export function isTransition(rule: Pick<Rule, "rule">): boolean {
  return /\boldSelf\b/.test(rule.rule);
}

/** Names that CEL reserves are reached as `__name__`. */
const reserved = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** A field's name as it is written in CEL after `self.`. */
export function celName(field: string): string {
  if (reserved.has(field)) return `__${field}__`;
  return field.replaceAll("__", "__underscores__").replaceAll("-", "__dash__").replaceAll(".", "__dot__");
}

const has = (value: unknown, field: string): boolean =>
  typeof value === "object" && value !== null && Object.hasOwn(value, field);

/** Exactly one of the fields is present. */
export function exactlyOneOf(...fields: readonly [string, string, ...string[]]): Rule {
  const only = (one: string): string =>
    `(${fields.map((each) => `${each === one ? "" : "!"}has(self.${celName(each)})`).join(" && ")})`;
  return {
    rule: fields.map(only).join(" || "),
    message: `exactly one of ${fields.slice(0, -1).join(", ")} and ${fields.at(-1)} must be set`,
    holds: (self) => fields.filter((each) => has(self, each)).length === 1,
  };
}

/** All of the fields are present; says so by one message instead of one "Required value" each. */
export function together(message: string, ...fields: readonly string[]): Rule {
  return {
    rule: fields.map((each) => `has(self.${celName(each)})`).join(" && "),
    message,
    holds: (self) => fields.every((each) => has(self, each)),
  };
}

/** The value of the field named so never changes. */
export function unchanging(name: string): Rule {
  return { rule: "self == oldSelf", message: `${name} is immutable`, holds: isDeepStrictEqual };
}

/** Stands on the parent: once the field is there, it stays. */
export function staying(name: string): Rule {
  const field = celName(name);
  return {
    rule: `!has(oldSelf.${field}) || has(self.${field})`,
    message: `${name} is required once set`,
    holds: (self, oldSelf) => !has(oldSelf, name) || has(self, name),
  };
}
