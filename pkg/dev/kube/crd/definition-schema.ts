import { child, type FieldError, forbidden, index, invalid, key, notSupported, required } from "../wire/field-error.ts";
import { copy, isObject, type Json, type JsonObject, listAt, sorted, textAt, textsAt } from "../wire/json.ts";
import { notImplemented } from "../wire/status.ts";
import { checkCel } from "./cel-check.ts";
import { prune } from "./prune.ts";
import { itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";
import { structuralErrors } from "./structural.ts";
import { validateSchema } from "./validate.ts";

/** What is wrong with the schema of a definition. Throws 501 for what only the real server can do. */
export function definitionSchemaErrors(schema: Json | undefined, path: string): FieldError[] {
  if (!isObject(schema)) return [];
  const structural = structuralErrors(schema, path);
  const node: Node = { schema, root: true, uncorrelatable: undefined, noDefaults: undefined };
  return [...(structural.length > 0 ? structural : defaultErrors(schema, path)), ...schemaErrors(node, path)];
}

/** A part of a schema on the way down. */
interface Node {
  readonly schema: Schema;
  readonly root: boolean;
  /** The path below which old values can not be told; undefined where they can. */
  readonly uncorrelatable: string | undefined;
  /** Why defaults may not stand here; undefined where they may. */
  readonly noDefaults: string | undefined;
}

const types = ["array", "boolean", "integer", "number", "object", "string"];

function schemaErrors(node: Node, path: string): FieldError[] {
  const { schema } = node;
  const errors: FieldError[] = [];
  if (schema["uniqueItems"] === true) {
    errors.push(
      forbidden(
        child(path, "uniqueItems"),
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  }
  const type = textAt(schema, "type");
  if (type !== "" && !types.includes(type)) errors.push(notSupported(child(path, "type"), type, types));
  if (schema["default"] !== undefined && node.noDefaults !== undefined)
    errors.push(forbidden(child(path, "default"), node.noDefaults));
  if (valuesOf(schema) !== undefined && Object.keys(propertiesOf(schema)).length > 0) {
    errors.push(
      forbidden(child(path, "additionalProperties"), "additionalProperties and properties are mutual exclusive"),
    );
  }
  const below = (inner: Schema, uncorrelatable: string | undefined, noDefaults = node.noDefaults): Node => ({
    schema: inner,
    root: false,
    uncorrelatable: node.uncorrelatable ?? uncorrelatable,
    noDefaults,
  });
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const meta = node.root && ["metadata", "kind", "apiVersion"].includes(name);
    const atomic = schema["x-kubernetes-map-type"] === "atomic" ? path : undefined;
    const inner = below(property, atomic, meta ? `must not be set in top-level ${name}` : node.noDefaults);
    errors.push(...schemaErrors(inner, key(child(path, "properties"), name)));
  }
  const items = itemsOf(schema);
  if (items)
    errors.push(
      ...schemaErrors(
        below(items, schema["x-kubernetes-list-type"] === "map" ? undefined : path),
        child(path, "items"),
      ),
    );
  const values = schema["additionalProperties"];
  if (isObject(values)) errors.push(...schemaErrors(below(values, undefined), child(path, "additionalProperties")));
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(invalid(child(path, "x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"));
  }
  errors.push(...listTypeRules(schema, path));
  for (const [position, rule] of listAt(schema, "x-kubernetes-validations").entries()) {
    if (isObject(rule))
      errors.push(...ruleErrors(rule, index(child(path, "x-kubernetes-validations"), position), node));
  }
  return errors;
}

/** Defaults that do not fit their own schema. */
function defaultErrors(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const value = schema["default"];
  if (value !== undefined && value !== null) {
    const pruned = copy(value);
    const gone = isObject(pruned) ? prune({ inner: pruned }, { type: "object", properties: { inner: schema } }) : [];
    if (gone.length > 0) errors.push(invalid(child(path, "default"), sorted(value), "must not have unknown fields"));
    else errors.push(...validateSchema(schema, value, undefined, child(path, "default")));
  }
  for (const [name, property] of Object.entries(propertiesOf(schema)))
    errors.push(...defaultErrors(property, key(child(path, "properties"), name)));
  const items = itemsOf(schema);
  if (items) errors.push(...defaultErrors(items, child(path, "items")));
  const values = schema["additionalProperties"];
  if (isObject(values)) errors.push(...defaultErrors(values, child(path, "additionalProperties")));
  return errors;
}

function listTypeRules(schema: Schema, path: string): FieldError[] {
  const type = schema["x-kubernetes-list-type"];
  const keys = textsAt(schema, "x-kubernetes-list-map-keys");
  const keysPath = child(path, "x-kubernetes-list-map-keys");
  const typePath = child(path, "x-kubernetes-list-type");
  const errors: FieldError[] = [];
  if (type !== undefined && textAt(schema, "type") !== "array") {
    const why = "must be array if x-kubernetes-list-type is specified";
    errors.push(
      textAt(schema, "type") === ""
        ? required(child(path, "type"), why)
        : invalid(child(path, "type"), textAt(schema, "type"), why),
    );
  }
  if (type !== undefined && !["atomic", "set", "map"].includes(String(type)))
    errors.push(notSupported(typePath, type, ["atomic", "set", "map"]));
  if (keys.length > 0 && type === undefined)
    errors.push(required(typePath, "must be map if x-kubernetes-list-map-keys is non-empty"));
  else if (keys.length > 0 && type !== "map")
    errors.push(invalid(typePath, type ?? null, "must be map if x-kubernetes-list-map-keys is non-empty"));
  if (type !== "map") return errors;
  if (keys.length === 0) errors.push(required(keysPath, "must not be empty if x-kubernetes-list-type is map"));
  const items = itemsOf(schema);
  if (items === undefined)
    return [...errors, required(child(path, "items"), "must have a schema if x-kubernetes-list-type is map")];
  if (textAt(items, "type") !== "object") {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(child(child(path, "items"), "type"), textAt(items, "type"), why)];
  }
  const properties = propertiesOf(items);
  for (const each of keys) {
    if (!Object.hasOwn(properties, each))
      errors.push(invalid(keysPath, keys, "entries must all be names of item properties"));
    else if (properties[each]?.["default"] === undefined && !textsAt(items, "required").includes(each)) {
      errors.push(
        required(
          child(key(child(child(path, "items"), "properties"), each), "default"),
          "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
      );
    }
  }
  return errors;
}

const reasons = ["FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired", "FieldValueDuplicate"];

function ruleErrors(rule: JsonObject, path: string, node: Node): FieldError[] {
  const text = textAt(rule, "rule").trim();
  const message = textAt(rule, "message");
  const errors: FieldError[] = [];
  if (text === "") errors.push(required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "")
    errors.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (/[\r\n]/.test(message.trim()))
    errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  else if (/[\r\n]/.test(text) && message.trim() === "") {
    errors.push(required(`${path}.message`, "message must be specified if rule contains line breaks"));
  }
  const reason = textAt(rule, "reason");
  if (reason !== "" && !reasons.includes(reason))
    errors.push(notSupported(`${path}.reason`, reason, [...reasons].sort()));
  const where = textAt(rule, "fieldPath");
  if (where !== "" && !pathExists(where, node.schema))
    errors.push(invalid(`${path}.fieldPath`, where, "must be a valid path"));
  return text === "" ? errors : [...errors, ...compileErrors(rule, path, node)];
}

/** True when a path such as `.spec.names['x']` leads to a part of the schema. */
function pathExists(path: string, schema: Schema): boolean {
  const parts = [...path.trim().matchAll(/\.([A-Za-z_][\w]*)|\['((?:\\.|[^'\\])*)'\]/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  let here: Schema | undefined = schema;
  for (const part of parts) here = here && (propertiesOf(here)[part] ?? valuesOf(here));
  return parts.length > 0 && here !== undefined;
}

function compileErrors(rule: JsonObject, path: string, node: Node): FieldError[] {
  const text = textAt(rule, "rule").trim();
  const place = { schema: node.schema, root: node.root, isOldOptional: rule["optionalOldSelf"] === true };
  const problem = checkCel(text, place, "bool");
  if (problem?.unsupported) throw notImplemented(`${problem.message}, which the CEL rule at ${path} calls`);
  if (problem) return [invalid(`${path}.rule`, internalRule(rule), problem.message)];
  if (/\boldSelf\b/.test(text) && node.uncorrelatable !== undefined) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${node.uncorrelatable}`;
    return [invalid(`${path}.rule`, textAt(rule, "rule"), why)];
  }
  const expression = textAt(rule, "messageExpression").trim();
  const wrong = expression === "" ? undefined : checkCel(expression, place, "string");
  if (wrong?.unsupported) throw notImplemented(`${wrong.message}, which the messageExpression at ${path} calls`);
  return wrong ? [invalid(`${path}.messageExpression`, internalRule(rule), wrong.message)] : [];
}

/** The rule as the real server's internal type prints it. */
const internalRule = (rule: JsonObject): JsonObject => ({
  Rule: rule["rule"] ?? "",
  Message: rule["message"] ?? "",
  MessageExpression: rule["messageExpression"] ?? "",
  Reason: rule["reason"] ?? null,
  FieldPath: rule["fieldPath"] ?? "",
  OptionalOldSelf: rule["optionalOldSelf"] ?? null,
});
