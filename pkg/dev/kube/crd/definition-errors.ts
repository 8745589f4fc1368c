import { child, type FieldError, forbidden, index, invalid, key, notSupported, required } from "../wire/field-error.ts";
import { equalJson, isObject, type Json, type JsonObject, listAt, objectAt, textAt, textsAt } from "../wire/json.ts";
import { dns1035Label, dnsSubdomain } from "../wire/names.ts";
import { notImplemented } from "../wire/status.ts";
import { type CelCompiler, CelSyntaxError } from "./cel.ts";
import { parseJsonPath } from "./json-path.ts";
import { itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";
import { structuralErrors } from "./structural.ts";

/** What is wrong with a CustomResourceDefinition's spec. Throws 501 for what only the real server can do. */
export function definitionErrors(object: JsonObject, compiler: CelCompiler): FieldError[] {
  const spec = objectAt(object, "spec");
  if (textAt(spec, "conversion", "strategy") === "Webhook") throw notImplemented("conversion webhooks");
  return [
    ...nameError(object, spec),
    ...groupErrors(spec),
    ...scopeErrors(spec),
    ...versionsErrors(spec, compiler),
    ...namesErrors(objectAt(spec, "names")),
    ...apiApproval(object, spec),
  ];
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

function versionsErrors(spec: JsonObject, compiler: CelCompiler): FieldError[] {
  const versions = listAt(spec, "versions").filter(isObject);
  const names = versions.map((each) => textAt(each, "name"));
  const missing = versions.flatMap((each, position) =>
    isObject(objectAt(each, "schema")["openAPIV3Schema"])
      ? []
      : [required(`${index("spec.versions", position)}.schema.openAPIV3Schema`)],
  );
  return [
    ...missing,
    ...versions.flatMap((each, position) => versionErrors(each, index("spec.versions", position), compiler)),
    ...(new Set(names).size === names.length
      ? []
      : [invalid("spec.versions", versions, "must contain unique version names")]),
    ...(versions.filter((each) => each["storage"] === true).length === 1
      ? []
      : [invalid("spec.versions", versions, "must have exactly one version marked as storage version")]),
  ];
}

function versionErrors(version: JsonObject, path: string, compiler: CelCompiler): FieldError[] {
  const name = textAt(version, "name");
  const complaints = dns1035Label(name);
  const schema = objectAt(version, "schema")["openAPIV3Schema"];
  const schemaPath = `${path}.schema.openAPIV3Schema`;
  return [
    ...(complaints.length === 0 ? [] : [invalid(`${path}.name`, name, complaints.join(","))]),
    ...(isObject(schema)
      ? [...structuralErrors(schema, schemaPath), ...schemaErrors(schema, schemaPath, compiler, true)]
      : []),
    ...listAt(version, "additionalPrinterColumns").flatMap((each, position) =>
      columnErrors(each, index(`${path}.additionalPrinterColumns`, position)),
    ),
  ];
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

function schemaErrors(schema: Schema, path: string, compiler: CelCompiler, correlatable: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (schema["uniqueItems"] === true) {
    errors.push(
      forbidden(
        child(path, "uniqueItems"),
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  }
  if (valuesOf(schema) !== undefined && Object.keys(propertiesOf(schema)).length > 0) {
    errors.push(
      forbidden(child(path, "additionalProperties"), "additionalProperties and properties are mutual exclusive"),
    );
  }
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(invalid(child(path, "x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"));
  }
  errors.push(...listTypeRules(schema, path));
  listAt(schema, "x-kubernetes-validations").forEach((rule, position) => {
    errors.push(
      ...ruleErrors(rule, index(child(path, "x-kubernetes-validations"), position), compiler, correlatable, path),
    );
  });
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    errors.push(
      ...schemaErrors(
        property,
        key(child(path, "properties"), name),
        compiler,
        correlatable && schema["x-kubernetes-map-type"] !== "atomic",
      ),
    );
  }
  const items = itemsOf(schema);
  if (items)
    errors.push(
      ...schemaErrors(
        items,
        child(path, "items"),
        compiler,
        correlatable && schema["x-kubernetes-list-type"] === "map",
      ),
    );
  const values = valuesOf(schema);
  if (values && isObject(schema["additionalProperties"]))
    errors.push(...schemaErrors(values, child(path, "additionalProperties"), compiler, correlatable));
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

function ruleErrors(
  rule: Json,
  path: string,
  compiler: CelCompiler,
  correlatable: boolean,
  schemaPath: string,
): FieldError[] {
  const text = textAt(rule, "rule").trim();
  const message = textAt(rule, "message");
  const errors: FieldError[] = [];
  if (text === "") errors.push(required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "")
    errors.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (/[\r\n]/.test(message.trim()))
    errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  else if (/[\r\n]/.test(text) && message.trim() === "")
    errors.push(required(`${path}.message`, "message must be specified if rule contains line breaks"));
  const reason = textAt(rule, "reason");
  if (reason !== "" && !reasons.includes(reason))
    errors.push(notSupported(`${path}.reason`, reason, [...reasons].sort()));
  if (text !== "") errors.push(...compileErrors(text, `${path}.rule`, compiler, correlatable, rule, schemaPath));
  const expression = textAt(rule, "messageExpression").trim();
  if (expression !== "")
    errors.push(...compileErrors(expression, `${path}.messageExpression`, compiler, true, rule, schemaPath));
  return errors;
}

function compileErrors(
  text: string,
  path: string,
  compiler: CelCompiler,
  correlatable: boolean,
  rule: Json,
  schemaPath: string,
): FieldError[] {
  try {
    const program = compiler.compile(text);
    if (program.usesOldSelf && !correlatable) {
      return [
        invalid(
          path,
          textAt(rule, "rule"),
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${schemaPath}`,
        ),
      ];
    }
    return [];
  } catch (thrown) {
    if (!(thrown instanceof CelSyntaxError)) throw thrown;
    if (thrown.unsupported)
      throw notImplemented(`a function that the CEL rule at ${path} calls: ${thrown.message.split("\n")[0]}`);
    const value = path.endsWith(".rule") ? { ...(rule as JsonObject) } : text;
    return [invalid(path, equalJson(value, rule) ? rule : value, `compilation failed: ${thrown.message}`)];
  }
}

/** Versions that objects may still be stored in must stay. */
export function storedVersionErrors(object: JsonObject): FieldError[] {
  const names = listAt(object, "spec", "versions").map((each) => textAt(each, "name"));
  return textsAt(object, "status", "storedVersions").flatMap((each, position) =>
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
}
