import type * as z from "zod";
import { Failure } from "../../runtime/errors/index.ts";
import { brokenRules } from "./check-rules.ts";
import type { Crd } from "./define-crd.ts";
import type { KubeObject } from "./kind.ts";
import { type FieldProblem, toProblem } from "./problem.ts";
import { unwrap } from "./rule.ts";

/** The object does not fit its kind. The message names the object and every wrong field. */
export class InvalidObject extends Failure {
  readonly problems: readonly FieldProblem[];

  constructor(kind: string, name: string, problems: readonly FieldProblem[]) {
    const list = problems.map(({ field, message }) => `${field}: ${message}`).join("; ");
    super("terminal", "InvalidObject", `${kind} ${JSON.stringify(name)} is invalid: ${list}`);
    this.problems = problems;
  }
}

/**
 * The object as the API server would store it: nulls and unknown fields dropped, defaults filled in, int64 as bigint.
 * Throws InvalidObject where the API server would refuse it; with `previous`, also where the change is not allowed.
 */
export function parse<T extends KubeObject>(kind: Crd<T>, object: unknown, previous?: T): T {
  const { schema } = kind;
  const given = withoutNulls(schema, object);
  const result = schema.safeParse(given);
  if (!result.success) {
    throw new InvalidObject(
      kind.kind,
      nameOf(object),
      result.error.issues.map((each) => toProblem(each, given)),
    );
  }
  const problems = brokenRules(schema, { value: result.data, old: previous, path: [] });
  if (problems.length > 0) throw new InvalidObject(kind.kind, nameOf(object), problems);
  return result.data as unknown as T;
}

function nameOf(object: unknown): string {
  const { name = "", namespace } = (object as Partial<KubeObject> | undefined)?.metadata ?? {};
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Null in a field that can not be null means "absent" to the API server. */
function withoutNulls(field: z.core.$ZodType, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { def } = (unwrap(field) as z.core.$ZodTypes)._zod;
  if (def.type === "array" && Array.isArray(value)) return value.map((each) => withoutNulls(def.element, each));
  if (def.type !== "object" || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(
    kept.map(([name, each]) => {
      const child = def.shape[name];
      return [name, child === undefined ? each : withoutNulls(child, each)];
    }),
  );
}
