import { Optional } from "@marcbachmann/cel-js";
import type { Faults } from "../faults.ts";
import {
  child,
  duplicate,
  type FieldError,
  forbidden,
  index,
  invalid,
  omitted,
  required,
} from "../wire/field-error.ts";
import { equalJson, isObject, type Json, type JsonObject, listAt, textAt } from "../wire/json.ts";
import type { CelCompiler } from "./cel.ts";
import { toCel } from "./cel-values.ts";
import { isEmbedded, itemsOf, propertiesOf, type Schema, sameItem, typeOf, valuesOf } from "./schema.ts";

interface Visit {
  readonly value: Json;
  readonly schema: Schema;
  readonly old: Json | undefined;
  readonly path: string;
  readonly resource: boolean;
  /** True when this part is as it was: only rules about the change speak. */
  readonly unchanged: boolean;
}

/** What the rules of a schema found: errors, and warnings about parts that were wrong before. */
export interface RuleFindings {
  readonly errors: FieldError[];
  readonly warnings: string[];
}

/** Evaluates the CEL rules (x-kubernetes-validations) of a schema. */
export class Rules {
  readonly #compiler: CelCompiler;
  readonly #faults: Faults;

  constructor(compiler: CelCompiler, faults: Faults) {
    this.#compiler = compiler;
    this.#faults = faults;
  }

  check(schema: Schema, value: Json, old: Json | undefined, path = "", resource = true): RuleFindings {
    const findings: RuleFindings = { errors: [], warnings: [] };
    if (this.#faults["no-cel"]) return findings;
    this.#visit(
      { value, schema, old, path, resource, unchanged: old !== undefined && equalJson(value, old) },
      findings,
    );
    return findings;
  }

  #visit(visit: Visit, findings: RuleFindings): void {
    const { value, schema, old, path } = visit;
    if (value === null) return;
    for (const rule of listAt(schema, "x-kubernetes-validations"))
      if (isObject(rule)) this.#rule(rule, visit, findings);
    const go = (inner: Json, innerSchema: Schema, innerOld: Json | undefined, innerPath: string): void => {
      const unchanged = visit.unchanged || (innerOld !== undefined && equalJson(inner, innerOld));
      this.#visit(
        {
          value: inner,
          schema: innerSchema,
          old: innerOld,
          path: innerPath,
          resource: isEmbedded(innerSchema),
          unchanged,
        },
        findings,
      );
    };
    if (Array.isArray(value)) {
      const items = itemsOf(schema);
      for (const [position, each] of items ? value.entries() : [])
        go(each, items ?? {}, sameItem(schema, each, old), index(path, position));
    } else if (isObject(value)) {
      const properties = propertiesOf(schema);
      const values = valuesOf(schema);
      const atomic = schema["x-kubernetes-map-type"] === "atomic";
      for (const [key, each] of Object.entries(value)) {
        const before = !atomic && isObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
        if (Object.hasOwn(properties, key)) go(each, properties[key] as Schema, before, child(path, key));
        else if (values) go(each, values, before, `${path}[${key}]`);
      }
    }
  }

  #rule(rule: JsonObject, visit: Visit, findings: RuleFindings): void {
    const text = textAt(rule, "rule");
    const optional = rule["optionalOldSelf"] === true;
    const program = this.#compiler.compile(text.trim(), optional);
    const { value, schema, old, path, resource } = visit;
    const transition = program.usesOldSelf && !optional;
    if (transition && (old === undefined || old === null || this.#faults["no-transition-rules"])) return;
    const variables: Record<string, unknown> = { self: toCel(value, schema, resource) };
    if (program.usesOldSelf) variables["oldSelf"] = oldValue(old, optional, schema, resource);
    try {
      if (program.evaluate(variables) === true) return;
    } catch (thrown) {
      findings.errors.push(
        invalid(path, typeOf(schema), `${(thrown as Error).message} evaluating rule: ${nameOf(rule)}`),
      );
      return;
    }
    const error = this.#finding(rule, visit, variables);
    if (visit.unchanged && !program.usesOldSelf) findings.warnings.push(`${error.field}: ${error.body}`);
    else findings.errors.push(error);
  }

  #finding(rule: JsonObject, { value, schema, path }: Visit, variables: Record<string, unknown>): FieldError {
    const inner = fieldPath(textAt(rule, "fieldPath"));
    const field = inner === "" ? path : inner.startsWith("[") ? `${path}${inner}` : child(path, inner);
    const detail = this.#message(rule, variables);
    const scalar = typeOf(schema) !== "object" && typeOf(schema) !== "array";
    switch (textAt(rule, "reason")) {
      case "FieldValueForbidden":
        return forbidden(field, detail);
      case "FieldValueRequired":
        return required(field, detail);
      case "FieldValueDuplicate":
        return duplicate(field, scalar ? value : omitted);
      default:
        return invalid(field, scalar ? value : omitted, detail);
    }
  }

  /** The text of messageExpression when it gives a usable one, else message, else the rule itself. */
  #message(rule: JsonObject, variables: Record<string, unknown>): string {
    const expression = textAt(rule, "messageExpression").trim();
    if (expression !== "") {
      try {
        const text = this.#compiler.compile(expression, rule["optionalOldSelf"] === true).evaluate(variables);
        if (typeof text === "string" && text.trim() !== "" && !/[\r\n]/.test(text.trim())) return text;
      } catch {
        // A message that can not be made is replaced by the plain one.
      }
    }
    const message = textAt(rule, "message").trim();
    return message === "" ? `failed rule: ${textAt(rule, "rule").trim()}` : message;
  }
}

/** The old value; an optional one where the rule says that it may be missing. */
function oldValue(old: Json | undefined, optional: boolean, schema: Schema, resource: boolean): unknown {
  const missing = old === undefined || old === null;
  if (!optional) return missing ? null : toCel(old, schema, resource);
  return missing ? Optional.none() : Optional.of(toCel(old, schema, resource));
}

const nameOf = (rule: JsonObject): string => textAt(rule, "message").trim() || textAt(rule, "rule").trim();

/** `.spec.names['x']` as `spec.names[x]`. */
export function fieldPath(text: string): string {
  return text
    .trim()
    .replace(/\['((?:\\.|[^'\\])*)'\]/g, "[$1]")
    .replace(/^\./, "");
}
