import type * as z from "zod";

/** One thing wrong with an object, in the API server's words. */
export interface FieldProblem {
  /** Such as `spec.source`; list entries as `[0]`, map entries as `[key]`. */
  readonly field: string;
  readonly message: string;
}

type Path = readonly PropertyKey[];

/** Field path as the API server writes it. */
function pathText(path: Path): string {
  let out = "";
  for (const step of path) {
    if (typeof step === "number") out += `[${step}]`;
    else out += out === "" ? String(step) : `.${String(step)}`;
  }
  return out;
}

/** The JSON type of a value, as the API server names it. */
function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint" || Number.isInteger(value)) return "integer";
  return typeof value;
}

/** How the API server quotes an offending value. */
function shown(value: unknown): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** A broken rule; objects and lists are not quoted. */
export function ruleProblem(path: Path, value: unknown, message: string): FieldProblem {
  const quoted = typeof value === "object" && value !== null ? "" : `${shown(value)}: `;
  return { field: pathText(path), message: `Invalid value: ${quoted}${message}` };
}

const jsonTypes: Record<string, string> = { int: "integer", bigint: "integer", record: "object" };

/** What zod found, told as the API server would. `root` is the whole object. */
export function toProblem(issue: z.core.$ZodIssue, root: unknown): FieldProblem {
  const field = pathText(issue.path);
  const value = issue.path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    root,
  );
  if (value === undefined) return { field, message: "Required value" };
  return { field, message: told(issue, field, value) };
}

function told(issue: z.core.$ZodIssue, field: string, value: unknown): string {
  const invalid = (what: string): string => `Invalid value: ${shown(value)}: ${field} in body ${what}`;
  switch (issue.code) {
    case "invalid_type": {
      const expected = jsonTypes[issue.expected] ?? issue.expected;
      return `Invalid value: "${typeName(value)}": ${field} in body must be of type ${expected}: "${typeName(value)}"`;
    }
    case "invalid_union":
      return typeof value === "string"
        ? told(issue.errors.flat().find((each) => each.code === "invalid_format") ?? issue, field, value)
        : `Invalid value: "${typeName(value)}": ${field} in body must be of type integer,string: "${typeName(value)}"`;
    case "invalid_value":
      return `Unsupported value: ${shown(value)}: supported values: ${issue.values.map((each) => JSON.stringify(each)).join(", ")}`;
    case "too_small":
      return issue.origin === "string"
        ? invalid(`should be at least ${issue.minimum} chars long`)
        : invalid(`should be greater than or equal to ${issue.minimum}`);
    case "too_big":
      if (issue.origin === "array")
        return `Too many: ${(value as unknown[]).length}: must have at most ${issue.maximum} items`;
      return invalid(`should be less than or equal to ${issue.maximum}`);
    case "invalid_format":
      return invalid(`should match '${plainPattern(issue.pattern ?? "")}'`);
    case "custom":
      return custom(issue.params ?? {}, field, value) ?? invalid(issue.message);
    default:
      return invalid(issue.message);
  }
}

/** zod gives a pattern as JavaScript would write it: between slashes, with slashes escaped. */
function plainPattern(literal: string): string {
  return literal.slice(1, literal.lastIndexOf("/")).replaceAll("\\/", "/");
}

function custom(params: Record<string, unknown>, field: string, value: unknown): string | undefined {
  if (params["duplicate"] !== undefined) return `Duplicate value: ${JSON.stringify(params["duplicate"])}`;
  if (params["maxLength"] !== undefined) return `Too long: may not be more than ${String(params["maxLength"])} bytes`;
  if (params["format"] === undefined) return undefined;
  return `Invalid value: ${shown(value)}: ${field} in body must be of type ${String(params["format"])}: ${shown(value)}`;
}
