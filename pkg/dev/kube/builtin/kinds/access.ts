import { child, type FieldError, index, invalid, notSupported, required } from "../../wire/field-error.ts";
import {
  at,
  equalSemantic,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from "../../wire/json.ts";
import { dnsSubdomain, pathSegment } from "../../wire/names.ts";
import type { BuiltinKind } from "../built-in-kind.ts";
import { fill } from "../codec.ts";

const group = "rbac.authorization.k8s.io";

function ruleErrors(rule: Json, namespaced: boolean, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const has = (field: string): boolean => textsAt(rule, field).length > 0;
  if (!has("verbs")) errors.push(required(child(path, "verbs"), "verbs must contain at least one value"));
  if (has("nonResourceURLs")) {
    if (namespaced) {
      errors.push(
        invalid(
          child(path, "nonResourceURLs"),
          textsAt(rule, "nonResourceURLs"),
          "namespaced rules cannot apply to non-resource URLs",
        ),
      );
    }
    if (has("apiGroups") || has("resources") || has("resourceNames")) {
      errors.push(
        invalid(
          child(path, "nonResourceURLs"),
          textsAt(rule, "nonResourceURLs"),
          "rules cannot apply to both regular resources and non-resource URLs",
        ),
      );
    }
    return errors;
  }
  if (!has("apiGroups"))
    errors.push(required(child(path, "apiGroups"), "resource rules must supply at least one api group"));
  if (!has("resources"))
    errors.push(required(child(path, "resources"), "resource rules must supply at least one resource"));
  return errors;
}

const rulesErrors = (object: JsonObject, namespaced: boolean): FieldError[] =>
  listAt(object, "rules").flatMap((rule, at) => ruleErrors(rule, namespaced, index("rules", at)));

export const roleKind: BuiltinKind = {
  group,
  resource: "roles",
  struct: "rbac.v1.Role",
  checkName: pathSegment,
  createOnUpdate: true,
  validate: (object) => rulesErrors(object, true),
};

export const clusterRoleKind: BuiltinKind = {
  group,
  resource: "clusterroles",
  struct: "rbac.v1.ClusterRole",
  checkName: pathSegment,
  createOnUpdate: true,
  validate: (object) => [...rulesErrors(object, false), ...aggregationErrors(object)],
};

function aggregationErrors(object: JsonObject): FieldError[] {
  const rule = object["aggregationRule"];
  if (!isObject(rule)) return [];
  const selectors = listAt(rule, "clusterRoleSelectors");
  return selectors.length === 0
    ? [
        required(
          "aggregationRule.clusterRoleSelectors",
          "at least one clusterRoleSelector required if aggregationRule is non-nil",
        ),
      ]
    : [];
}

function bindingDefaults(object: JsonObject): void {
  const ref = objectAt(object, "roleRef");
  fill(ref, "apiGroup", group, "");
  object["roleRef"] = ref;
  for (const subject of listAt(object, "subjects")) {
    if (!isObject(subject)) continue;
    if (textAt(subject, "kind") === "User" || textAt(subject, "kind") === "Group") fill(subject, "apiGroup", group, "");
  }
}

function bindingErrors(object: JsonObject, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const kinds = namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  if (textAt(object, "roleRef", "apiGroup") !== group) {
    errors.push(notSupported("roleRef.apiGroup", textAt(object, "roleRef", "apiGroup"), [group]));
  }
  if (!kinds.includes(textAt(object, "roleRef", "kind")))
    errors.push(notSupported("roleRef.kind", textAt(object, "roleRef", "kind"), kinds));
  const name = textAt(object, "roleRef", "name");
  if (name === "") errors.push(required("roleRef.name"));
  else errors.push(...pathSegment(name).map((why) => invalid("roleRef.name", name, why)));
  listAt(object, "subjects").forEach((subject, position) => {
    errors.push(...subjectErrors(subject, namespaced, index("subjects", position)));
  });
  return errors;
}

function subjectErrors(subject: Json, namespaced: boolean, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const kind = textAt(subject, "kind");
  const name = textAt(subject, "name");
  if (name === "") errors.push(required(child(path, "name")));
  if (kind === "ServiceAccount") {
    if (name !== "") errors.push(...dnsSubdomain(name).map((why) => invalid(child(path, "name"), name, why)));
    if (textAt(subject, "apiGroup") !== "")
      errors.push(notSupported(child(path, "apiGroup"), textAt(subject, "apiGroup"), [""]));
    if (!namespaced && textAt(subject, "namespace") === "") errors.push(required(child(path, "namespace")));
  } else if (kind === "User" || kind === "Group") {
    if (textAt(subject, "apiGroup") !== group)
      errors.push(notSupported(child(path, "apiGroup"), textAt(subject, "apiGroup"), [group]));
  } else {
    errors.push(notSupported(child(path, "kind"), kind, ["ServiceAccount", "User", "Group"]));
  }
  return errors;
}

/** The reference as the real server's internal type prints it. */
const internalRef = (ref: Json | undefined): JsonObject => ({
  APIGroup: textAt(ref, "apiGroup"),
  Kind: textAt(ref, "kind"),
  Name: textAt(ref, "name"),
});

const roleRefChanged = (next: JsonObject, old: JsonObject): FieldError[] =>
  equalSemantic(next["roleRef"], old["roleRef"])
    ? []
    : [invalid("roleRef", internalRef(next["roleRef"]), "cannot change roleRef")];

export const roleBindingKind: BuiltinKind = {
  group,
  resource: "rolebindings",
  struct: "rbac.v1.RoleBinding",
  checkName: pathSegment,
  createOnUpdate: true,
  defaults: bindingDefaults,
  validate: (object) => bindingErrors(object, true),
  validateUpdate: roleRefChanged,
};

export const clusterRoleBindingKind: BuiltinKind = {
  group,
  resource: "clusterrolebindings",
  struct: "rbac.v1.ClusterRoleBinding",
  checkName: pathSegment,
  createOnUpdate: true,
  defaults: bindingDefaults,
  validate: (object) => bindingErrors(object, false),
  validateUpdate: roleRefChanged,
};

export const leaseKind: BuiltinKind = {
  group: "coordination.k8s.io",
  resource: "leases",
  struct: "coordination.v1.Lease",
  checkName: dnsSubdomain,
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate(object) {
    const seconds = at(object, "spec", "leaseDurationSeconds");
    const transitions = at(object, "spec", "leaseTransitions");
    return [
      ...(typeof seconds === "number" && seconds <= 0
        ? [invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
        : []),
      ...(typeof transitions === "number" && transitions < 0
        ? [invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")]
        : []),
    ];
  },
};
