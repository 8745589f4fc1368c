import { decodeBuiltin, UnmarshalError } from "../builtin/decode.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import type { VirtualResource } from "../discovery/virtual.ts";
import { type AccessQuestion, type Machine, timestamp, type User } from "../registry/context.ts";
import { type FieldError, invalid } from "../wire/field-error.ts";
import { at, isObject, type Json, type JsonObject, objectAt, textAt, textsAt } from "../wire/json.ts";
import { badRequest, invalidObject } from "../wire/status.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Rbac } from "./rbac.ts";
import { issuer } from "./tokens.ts";

/** Answers TokenReview, the access reviews and SelfSubjectReview. */
export class Reviews {
  readonly #machine: Machine;
  readonly #types: GoTypes;
  readonly #authenticator: Authenticator;
  readonly #rbac: Rbac;

  constructor(machine: Machine, types: GoTypes, authenticator: Authenticator, rbac: Rbac) {
    this.#machine = machine;
    this.#types = types;
    this.#authenticator = authenticator;
    this.#rbac = rbac;
  }

  /** The review with its status filled in. Throws ApiFailure. */
  answer(resource: VirtualResource, body: JsonObject, user: User, namespace: string): JsonObject {
    const review = this.#decode(resource, body);
    const status = this.#status(resource, review, user, namespace);
    const { object } = decodeBuiltin(this.#types, resource.struct, { ...review, status });
    return { ...object, kind: resource.kind, apiVersion: `${resource.group}/${resource.version}` };
  }

  #decode(resource: VirtualResource, body: JsonObject): JsonObject {
    try {
      return decodeBuiltin(this.#types, resource.struct, body).object;
    } catch (thrown) {
      if (!(thrown instanceof UnmarshalError)) throw thrown;
      throw badRequest(`${resource.kind} in version "v1" cannot be handled as a ${resource.kind}: ${thrown.message}`);
    }
  }

  #status(resource: VirtualResource, review: JsonObject, user: User, namespace: string): JsonObject {
    switch (resource.resource) {
      case "tokenreviews":
        return this.#token(review);
      case "selfsubjectreviews":
        objectAt(review, "metadata")["creationTimestamp"] = timestamp(this.#machine.clock);
        return { userInfo: userInfo(user) };
      case "selfsubjectrulesreviews":
        return this.#rules(review, user);
      case "selfsubjectaccessreviews":
        refuse(resource, [...attributeErrors(review), ...metaErrors(review, [])]);
        return this.#access(user, review);
      case "localsubjectaccessreviews":
        if (textAt(review, "metadata", "namespace") === "") objectAt(review, "metadata")["namespace"] = namespace;
        refuse(resource, [
          ...attributeErrors(review),
          ...subjectErrors(review),
          ...metaErrors(review, ["namespace"]),
          ...localErrors(review),
        ]);
        return this.#access(subject(review), review);
      default:
        refuse(resource, [...attributeErrors(review), ...subjectErrors(review), ...metaErrors(review, [])]);
        return this.#access(subject(review), review);
    }
  }

  #token(review: JsonObject): JsonObject {
    const token = textAt(review, "spec", "token");
    if (token === "") throw badRequest("token is required for TokenReview in authentication");
    const asked = textsAt(review, "spec", "audiences");
    const found = this.#authenticator.token(token, asked.length === 0 ? [issuer] : asked);
    if ("problem" in found) return { error: found.problem, user: {} };
    return { authenticated: true, user: userInfo(found.user), audiences: [...found.audiences] };
  }

  #access(user: User, review: JsonObject): JsonObject {
    if (this.#machine.faults["reviews-allow"]) return { allowed: true };
    const { allowed, reason } = this.#rbac.ask(question(user, review));
    return { allowed, ...(reason === "" ? {} : { reason }) };
  }

  #rules(review: JsonObject, user: User): JsonObject {
    const namespace = textAt(review, "spec", "namespace");
    if (namespace === "") throw badRequest("no namespace on request");
    const { rules, problems } = this.#rbac.grants(user, namespace);
    const pick = (field: string, fields: readonly string[]): JsonObject[] =>
      rules.flatMap(({ rule }) => (textsAt(rule, field).length === 0 ? [] : [only(rule, fields)]));
    return {
      resourceRules: pick("resources", ["verbs", "apiGroups", "resources", "resourceNames"]),
      nonResourceRules: pick("nonResourceURLs", ["verbs", "nonResourceURLs"]),
      incomplete: false,
      ...(problems.length === 0 ? {} : { evaluationError: problems.join(", ") }),
    };
  }
}

const only = (rule: Json, fields: readonly string[]): JsonObject =>
  Object.fromEntries(
    fields.filter((field) => at(rule, field) !== undefined).map((field) => [field, at(rule, field) ?? null]),
  );

function userInfo({ name, uid, groups, extra }: User): JsonObject {
  return {
    username: name,
    ...(uid === "" ? {} : { uid }),
    groups: [...groups],
    ...(Object.keys(extra).length === 0
      ? {}
      : { extra: Object.fromEntries(Object.entries(extra).map(([key, list]) => [key, [...list]])) }),
  };
}

function subject(review: JsonObject): User {
  const spec = objectAt(review, "spec");
  return { name: textAt(spec, "user"), uid: textAt(spec, "uid"), groups: textsAt(spec, "groups"), extra: {} };
}

function question(user: User, review: JsonObject): AccessQuestion {
  const resource = at(review, "spec", "resourceAttributes");
  const none = { user, group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
  if (!isObject(resource)) {
    return {
      ...none,
      verb: textAt(review, "spec", "nonResourceAttributes", "verb"),
      path: textAt(review, "spec", "nonResourceAttributes", "path"),
    };
  }
  return {
    user,
    verb: textAt(resource, "verb"),
    group: textAt(resource, "group"),
    version: textAt(resource, "version") || "*",
    resource: textAt(resource, "resource"),
    subresource: textAt(resource, "subresource"),
    namespace: textAt(resource, "namespace"),
    name: textAt(resource, "name"),
  };
}

function refuse(resource: VirtualResource, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject(resource.group, "", "", errors);
}

function attributeErrors(review: JsonObject): FieldError[] {
  const resource = at(review, "spec", "resourceAttributes");
  const path = at(review, "spec", "nonResourceAttributes");
  if (resource !== undefined && path !== undefined) {
    return [
      invalid(
        "spec.nonResourceAttributes",
        internalPath(path),
        "cannot be specified in combination with resourceAttributes",
      ),
    ];
  }
  if (resource !== undefined || path !== undefined) return [];
  return [
    invalid(
      "spec.resourceAttributes",
      null,
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    ),
  ];
}

/** The attributes as the real server's internal type prints them. */
const internalPath = (path: Json | undefined): JsonObject => ({
  Path: textAt(path, "path"),
  Verb: textAt(path, "verb"),
});

function subjectErrors(review: JsonObject): FieldError[] {
  const { name, groups } = subject(review);
  return name === "" && groups.length === 0
    ? [invalid("spec.user", "", "at least one of user or group must be specified")]
    : [];
}

function metaErrors(review: JsonObject, allowed: readonly string[]): FieldError[] {
  const meta = objectAt(review, "metadata");
  if (
    Object.keys(meta).every(
      (field) => allowed.includes(field) || field === "creationTimestamp" || field === "managedFields",
    )
  )
    return [];
  return [invalid("metadata", meta, allowed.length === 0 ? "must be empty" : "must be empty except for namespace")];
}

function localErrors(review: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const resource = at(review, "spec", "resourceAttributes");
  const namespace = textAt(resource, "namespace");
  if (resource !== undefined && namespace !== textAt(review, "metadata", "namespace")) {
    errors.push(invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace"));
  }
  const path = at(review, "spec", "nonResourceAttributes");
  if (path !== undefined)
    errors.push(invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request"));
  return errors;
}
