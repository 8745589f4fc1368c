import { child, type FieldError, forbidden, index, invalid, key, notSupported, required } from "../wire/field-error.ts";
import {
  copy,
  equalJson,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  sorted,
  textAt,
  textsAt,
} from "../wire/json.ts";
import { dns1035Label, dnsSubdomain } from "../wire/names.ts";
import { notImplemented } from "../wire/status.ts";
import { checkCel } from "./cel-check.ts";
import { parseJsonPath } from "./json-path.ts";
import { prune } from "./prune.ts";
import { itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";
import { structuralErrors } from "./structural.ts";
import { validateSchema } from "./validate.ts";

/** What is wrong with a CustomResourceDefinition's spec. Throws 501 for what only the real server can do. */
export function definitionErrors(object: JsonObject): FieldError[] {
  const spec = objectAt(object, "spec");
  if (textAt(spec, "conversion", "strategy") === "Webhook") throw notImplemented("conversion webhooks");
  return [
    ...nameError(object, spec),
    ...groupErrors(spec),
    ...scopeErrors(spec),
    ...versionsErrors(spec),
    ...namesErrors(objectAt(spec, "names")),
    ...conversionErrors(spec),
    ...apiApproval(object, spec),
    ...(spec["preserveUnknownFields"] === true ? [preserved] : []),
  ];
}

const preserved = invalid(
  "spec.preserveUnknownFields",
  true,
  "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
);

function conversionErrors(spec: JsonObject): FieldError[] {
  const strategy = textAt(spec, "conversion", "strategy");
  const field = "spec.conversion.strategy";
  if (strategy === "") return [required(field)];
  return strategy === "None" ? [] : [notSupported(field, strategy, ["None", "Webhook"])];
}

function nameError(object: JsonObject, spec: JsonObject): FieldError[] {
  const name = textAt(object, "metadata", "name");
  const wanted = `${textAt(spec, "names", "plural")}.${textAt(spec, "group")}`;
  return name === wanted || name === ""
    ? []
    : [invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')];
}

function groupErrors(spec: JsonObject): FieldError[] {
  const group = textAt(spec, "group");
  if (group === "") return [required("spec.group")];
  const complaints = dnsSubdomain(group);
  if (complaints.length > 0) return [invalid("spec.group", group, complaints.join(","))];
  return group.includes(".") ? [] : [invalid("spec.group", group, "should be a domain with at least one dot")];
}

function scopeErrors(spec: JsonObject): FieldError[] {
  const scope = textAt(spec, "scope");
  if (scope === "") return [required("spec.scope")];
  return scope === "Cluster" || scope === "Namespaced"
    ? []
    : [notSupported("spec.scope", scope, ["Cluster", "Namespaced"])];
}

function versionsErrors(spec: JsonObject): FieldError[] {
  const versions = listAt(spec, "versions").filter(isObject);
  const names = versions.map((each) => textAt(each, "name"));
  const missing = versions.flatMap((each, position) =>
    isObject(objectAt(each, "schema")["openAPIV3Schema"])
      ? []
      : [required(`${index("spec.versions", position)}.schema.openAPIV3Schema`)],
  );
  const label = (name: string): string[] => dns1035Label(name);
  const nameErrors = versions.flatMap((each, position) => {
    const complaints = label(textAt(each, "name"));
    return complaints.length === 0
      ? []
      : [invalid(`${index("spec.versions", position)}.name`, textAt(each, "name"), complaints.join(","))];
  });
  const first = names[0] ?? "";
  return [
    ...missing,
    ...nameErrors,
    ...perVersion(versions, "schema", "spec.validation", (each, path) =>
      schemaPartErrors(objectAt(each, "schema")["openAPIV3Schema"], `${path}.openAPIV3Schema`),
    ),
    ...perVersion(versions, "additionalPrinterColumns", "spec.additionalPrinterColumns", (each, path) =>
      listAt(each, "additionalPrinterColumns").flatMap((column, position) =>
        columnErrors(column, index(path, position)),
      ),
    ),
    ...perVersion(versions, "selectableFields", "spec.selectableFields", (each, path) => selectableErrors(each, path)),
    ...(new Set(names).size === names.length
      ? []
      : [invalid("spec.versions", versions, "must contain unique version names")]),
    ...(versions.filter((each) => each["storage"] === true).length === 1
      ? []
      : [invalid("spec.versions", versions, "must have exactly one version marked as storage version")]),
    ...(first !== "" && label(first).length > 0 ? [invalid("spec.version", first, label(first).join(","))] : []),
  ];
}

/** What is the same in all versions stands once, above them, in the real server's internal form. */
function perVersion(
  versions: readonly JsonObject[],
  field: string,
  top: string,
  check: (version: JsonObject, path: string) => FieldError[],
): FieldError[] {
  const [first] = versions;
  if (first === undefined) return [];
  const same = first[field] !== undefined && versions.every((each) => equalJson(each[field], first[field]));
  if (same) return check(first, top);
  return versions.flatMap((each, position) => check(each, `${index("spec.versions", position)}.${field}`));
}

function schemaPartErrors(schema: Json | undefined, path: string): FieldError[] {
  if (!isObject(schema)) return [];
  const structural = structuralErrors(schema, path);
  const node: Node = { schema, root: true, uncorrelatable: undefined, noDefaults: undefined };
  return [...(structural.length > 0 ? structural : defaultErrors(schema, path)), ...schemaErrors(node, path)];
}

function selectableErrors(version: JsonObject, path: string): FieldError[] {
  const schema = objectAt(version, "schema", "openAPIV3Schema");
  return listAt(version, "selectableFields").flatMap((each, position) => {
    const jsonPath = textAt(each, "jsonPath");
    const field = `${index(path, position)}.jsonPath`;
    if (jsonPath === "") return [required(field)];
    let here: Schema | undefined = schema;
    for (const part of jsonPath.split(".").slice(1)) here = here && propertiesOf(here)[part];
    if (here === undefined) return [invalid(field, jsonPath, "is an invalid path: does not refer to a valid field")];
    if (["string", "boolean", "integer"].includes(textAt(here, "type"))) return [];
    return [
      invalid(
        field,
        jsonPath,
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
      ),
    ];
  });
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];

function columnErrors(column: Json, path: string): FieldError[] {
  const type = textAt(column, "type");
  const jsonPath = textAt(column, "jsonPath");
  return [
    ...(textAt(column, "name") === "" ? [required(`${path}.name`)] : []),
    ...(type === "" ? [required(`${path}.type`, `must be one of ${columnTypes.join(",")}`)] : []),
    ...(type === "" || columnTypes.includes(type)
      ? []
      : [invalid(`${path}.type`, type, `must be one of ${columnTypes.join(",")}`)]),
    ...(jsonPath === "" ? [required(`${path}.JSONPath`)] : []),
    ...(jsonPath !== "" && (parseJsonPath(jsonPath) === undefined || !jsonPath.startsWith("."))
      ? [invalid(`${path}.JSONPath`, jsonPath, "must be a simple json path starting with .")]
      : []),
  ];
}

function namesErrors(names: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["plural", "singular", "kind", "listKind"])
    if (textAt(names, field) === "") errors.push(required(`spec.names.${field}`));
  const label = (field: string, value: string, prefix = ""): void => {
    const complaints = value === "" ? [] : dns1035Label(prefix === "" ? value : value.toLowerCase());
    if (complaints.length > 0) errors.push(invalid(`spec.names.${field}`, value, prefix + complaints.join(",")));
  };
  const mixed = "may have mixed case, but should otherwise match: ";
  label("plural", textAt(names, "plural"));
  label("singular", textAt(names, "singular"));
  label("kind", textAt(names, "kind"), mixed);
  label("listKind", textAt(names, "listKind"), mixed);
  for (const [at, each] of textsAt(names, "shortNames").entries()) label(`shortNames[${at}]`, each);
  if (textAt(names, "kind") !== "" && textAt(names, "kind") === textAt(names, "listKind")) {
    errors.push(invalid("spec.names.listKind", textAt(names, "listKind"), "kind and listKind may not be the same"));
  }
  for (const [at, each] of textsAt(names, "categories").entries()) label(`categories[${at}]`, each);
  return errors;
}

/** Groups of the Kubernetes community need a word of approval. */
function apiApproval(object: JsonObject, spec: JsonObject): FieldError[] {
  const group = textAt(spec, "group");
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return [];
  const annotation = "api-approved.kubernetes.io";
  const path = key("metadata.annotations", annotation);
  const value = textAt(object, "metadata", "annotations", annotation);
  if (value === "")
    return [
      required(
        path,
        'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ),
    ];
  if (value.startsWith("unapproved")) return [];
  return /^https?:\/\/[^/]+/.test(value)
    ? []
    : [
        invalid(
          path,
          value,
          'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
        ),
      ];
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
  const problem = checkCel(text, node.schema, "bool", node.root);
  if (problem?.unsupported) throw notImplemented(`${problem.message}, which the CEL rule at ${path} calls`);
  if (problem) return [invalid(`${path}.rule`, internalRule(rule), problem.message)];
  if (/\boldSelf\b/.test(text) && node.uncorrelatable !== undefined) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${node.uncorrelatable}`;
    return [invalid(`${path}.rule`, textAt(rule, "rule"), why)];
  }
  const expression = textAt(rule, "messageExpression").trim();
  const wrong = expression === "" ? undefined : checkCel(expression, node.schema, "string", node.root);
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

/** Versions that objects may still be stored in must stay. */
export function storedVersionErrors(object: JsonObject): FieldError[] {
  const names = listAt(object, "spec", "versions").map((each) => textAt(each, "name"));
  const stored = textsAt(object, "status", "storedVersions");
  const unstored = listAt(object, "spec", "versions")
    .filter((each) => isObject(each) && each["storage"] === true && !stored.includes(textAt(each, "name")))
    .map((each) => invalid("status.storedVersions", stored, `must have the storage version ${textAt(each, "name")}`));
  const removed = stored.flatMap((each, position) =>
    names.includes(each)
      ? []
      : [
          invalid(
            index("status.storedVersions", position),
            each,
            `missing from spec.versions; ${each} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${each} and removes ${each} from status.storedVersions`,
          ),
        ],
  );
  return [...unstored, ...removed];
}
