import { child, type FieldError, forbidden, invalid, required, tooLong } from "../wire/field-error.ts";
import { quote } from "../wire/go-text.ts";
import {
  equalSemantic,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from "../wire/json.ts";
import { dnsLabel, labelValue, type NameCheck, qualifiedName } from "../wire/names.ts";

const orphan = "orphan";
const foreground = "foregroundDeletion";

/** Everything that metadata must be, whatever the kind. */
export function validateMeta(
  meta: JsonObject,
  namespaced: boolean,
  checkName: NameCheck,
  path = "metadata",
): FieldError[] {
  return [...nameErrors(meta, checkName, path), ...commonErrors(meta, namespaced, path)];
}

function nameErrors(meta: JsonObject, checkName: NameCheck, path: string): FieldError[] {
  const name = textAt(meta, "name");
  const prefix = textAt(meta, "generateName");
  const errors =
    prefix === "" ? [] : checkName(prefix, true).map((each) => invalid(child(path, "generateName"), prefix, each));
  if (name === "") return [...errors, required(child(path, "name"), "name or generateName is required")];
  return [...errors, ...checkName(name, false).map((each) => invalid(child(path, "name"), name, each))];
}

function commonErrors(meta: JsonObject, namespaced: boolean, path: string): FieldError[] {
  return [
    ...namespaceErrors(textAt(meta, "namespace"), namespaced, path),
    ...labelErrors(objectAt(meta, "labels"), child(path, "labels")),
    ...annotationErrors(objectAt(meta, "annotations"), child(path, "annotations")),
    ...ownerErrors(listAt(meta, "ownerReferences"), child(path, "ownerReferences")),
    ...finalizerErrors(textsAt(meta, "finalizers"), child(path, "finalizers")),
  ];
}

function namespaceErrors(namespace: string, namespaced: boolean, path: string): FieldError[] {
  const field = child(path, "namespace");
  if (!namespaced) return namespace === "" ? [] : [forbidden(field, "not allowed on this type")];
  if (namespace === "") return [required(field)];
  return dnsLabel(namespace).map((each) => invalid(field, namespace, each));
}

export function labelErrors(labels: JsonObject, path: string): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedName(key).map((each) => invalid(path, key, each)),
    ...labelValue(String(value)).map((each) => invalid(path, value, each)),
  ]);
}

const annotationLimit = 256 * 1024;

function annotationErrors(annotations: JsonObject, path: string): FieldError[] {
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  );
  return [
    ...Object.keys(annotations).flatMap((key) =>
      qualifiedName(key.toLowerCase()).map((each) => invalid(path, key, each)),
    ),
    ...(size > annotationLimit ? [tooLong(path, annotationLimit)] : []),
  ];
}

function ownerErrors(owners: readonly Json[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  for (const owner of owners) {
    errors.push(...oneOwnerErrors(owner, path));
    if (!isObject(owner) || owner["controller"] !== true) continue;
    const name = `${textAt(owner, "kind")}/${textAt(owner, "name")}`;
    if (controller === "") controller = name;
    else {
      const message = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalid(path, [...owners], message));
    }
  }
  return errors;
}

function oneOwnerErrors(owner: Json, path: string): FieldError[] {
  const apiVersion = textAt(owner, "apiVersion");
  const version = apiVersion.split("/").at(-1) ?? "";
  const empty = (field: string): FieldError[] =>
    textAt(owner, field) === "" ? [invalid(child(path, field), "", "must not be empty")] : [];
  return [
    ...(version === "" ? [invalid(child(path, "apiVersion"), apiVersion, "version must not be empty")] : []),
    ...empty("kind"),
    ...empty("name"),
    ...empty("uid"),
    ...(apiVersion === "v1" && textAt(owner, "kind") === "Event"
      ? [invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")]
      : []),
  ];
}

function finalizerErrors(finalizers: readonly string[], path: string): FieldError[] {
  const errors = finalizers.flatMap((each) => qualifiedName(each).map((complaint) => invalid(path, each, complaint)));
  if (finalizers.includes(orphan) && finalizers.includes(foreground)) {
    errors.push(invalid(path, [...finalizers], `finalizer ${orphan} and ${foreground} cannot be both set`));
  }
  return errors;
}

/** What an update may not change in metadata. */
export function validateMetaUpdate(next: JsonObject, old: JsonObject, path = "metadata"): FieldError[] {
  const errors: FieldError[] = [];
  if (textAt(old, "deletionTimestamp") !== "") {
    const before = new Set(textsAt(old, "finalizers"));
    const added = [...new Set(textsAt(next, "finalizers"))].filter((each) => !before.has(each)).sort();
    if (added.length > 0) {
      const shown = `[]string{${added.map(quote).join(", ")}}`;
      errors.push(
        forbidden(
          child(path, "finalizers"),
          `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`,
        ),
      );
    }
  }
  if (textAt(next, "resourceVersion") === "") {
    errors.push(invalid(child(path, "resourceVersion"), "", "must be specified for an update"));
  }
  for (const field of [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ]) {
    if (!equalSemantic(next[field], old[field])) errors.push(immutable(child(path, field), next[field]));
  }
  errors.push(...labelErrors(objectAt(next, "labels"), child(path, "labels")));
  errors.push(...annotationErrors(objectAt(next, "annotations"), child(path, "annotations")));
  errors.push(...ownerErrors(listAt(next, "ownerReferences"), child(path, "ownerReferences")));
  return errors;
}

/** The complaint about a field that may never change. */
export function immutable(path: string, value: Json | undefined): FieldError {
  return invalid(path, value ?? null, "field is immutable");
}
