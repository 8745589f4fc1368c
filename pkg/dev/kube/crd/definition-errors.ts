import { plain, struct } from "../builtin/go-dump.ts";
import { type FieldError, index, invalid, key, notSupported, required } from "../wire/field-error.ts";
import { equalJson, isObject, type Json, type JsonObject, listAt, objectAt, textAt, textsAt } from "../wire/json.ts";
import { dns1035Label, dnsSubdomain } from "../wire/names.ts";
import { notImplemented } from "../wire/status.ts";
import { approvalAnnotation, approvalOf } from "./api-approval.ts";
import { definitionSchemaErrors } from "./definition-schema.ts";
import { parseJsonPath } from "./json-path.ts";
import { propertiesOf, type Schema } from "./schema.ts";

/** What is wrong with a CustomResourceDefinition's spec. Throws 501 for what only the real server can do. */
export function definitionErrors(object: JsonObject): FieldError[] {
  const spec = objectAt(object, "spec");
  if (textAt(spec, "conversion", "strategy") === "Webhook") throw notImplemented("conversion webhooks");
  return [
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

/** The name of a definition follows from what it defines. */
export function definitionNameErrors(object: JsonObject): FieldError[] {
  const spec = objectAt(object, "spec");
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
      definitionSchemaErrors(objectAt(each, "schema")["openAPIV3Schema"], `${path}.openAPIV3Schema`),
    ),
    ...perVersion(versions, "additionalPrinterColumns", "spec.additionalPrinterColumns", (each, path) =>
      listAt(each, "additionalPrinterColumns").flatMap((column, position) =>
        columnErrors(column, index(path, position)),
      ),
    ),
    ...perVersion(versions, "selectableFields", "spec.selectableFields", (each, path) => selectableErrors(each, path)),
    ...(new Set(names).size === names.length
      ? []
      : [invalid("spec.versions", dumpVersions(versions), "must contain unique version names")]),
    ...(versions.filter((each) => each["storage"] === true).length === 1
      ? []
      : [invalid("spec.versions", dumpVersions(versions), "must have exactly one version marked as storage version")]),
    ...(first !== "" && label(first).length > 0 ? [invalid("spec.version", first, label(first).join(","))] : []),
  ];
}

const shared = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"] as const;

const versionDump = struct(
  ["Name", "name", plain("")],
  ["Served", "served", plain(false)],
  ["Storage", "storage", plain(false)],
  ["Deprecated", "deprecated", plain(false)],
  ["DeprecationWarning", "deprecationWarning"],
  ["Schema", "schema"],
  ["Subresources", "subresources"],
  ["AdditionalPrinterColumns", "additionalPrinterColumns"],
  ["SelectableFields", "selectableFields"],
);

/** The versions in the real server's internal form. */
function dumpVersions(versions: readonly JsonObject[]): Json[] {
  const hoisted = shared.filter((field) => versions.every((each) => equalJson(each[field], versions[0]?.[field])));
  return versions.map((each) =>
    versionDump(Object.fromEntries(Object.entries(each).filter(([field]) => !hoisted.some((name) => name === field)))),
  );
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
  const approval = approvalOf(object, spec);
  if (approval === undefined) return [];
  const path = key("metadata.annotations", approvalAnnotation);
  if (approval.reason === "MissingAnnotation") return [required(path, approval.message)];
  const value = textAt(object, "metadata", "annotations", approvalAnnotation);
  return approval.reason === "InvalidAnnotation" ? [invalid(path, value, approval.message)] : [];
}

/** Versions that objects may still be stored in must stay. */
export function storedVersionErrors(object: JsonObject): FieldError[] {
  const names = listAt(object, "spec", "versions").map((each) => textAt(each, "name"));
  const stored = textsAt(object, "status", "storedVersions");
  if (stored.length === 0) return [invalid("status.storedVersions", null, "must have at least one stored version")];
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
