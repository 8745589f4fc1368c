import { discoveredResources } from "../builtin/go-types.ts";
import type { Listed } from "./listed.ts";

/** A resource that is answered and never stored. */
export interface VirtualResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly struct: string;
  readonly listed: Listed;
}

const structs: Readonly<Record<string, string>> = {
  tokenreviews: "authentication.v1.TokenReview",
  selfsubjectreviews: "authentication.v1.SelfSubjectReview",
  subjectaccessreviews: "authorization.v1.SubjectAccessReview",
  localsubjectaccessreviews: "authorization.v1.LocalSubjectAccessReview",
  selfsubjectaccessreviews: "authorization.v1.SelfSubjectAccessReview",
  selfsubjectrulesreviews: "authorization.v1.SelfSubjectRulesReview",
};

/** The reviews. */
export const virtualResources: readonly VirtualResource[] = discoveredResources
  .filter((each) => structs[each.name] !== undefined)
  .map((each) => ({
    group: each.in,
    version: "v1",
    resource: each.name,
    kind: each.kind,
    namespaced: each.namespaced,
    struct: structs[each.name] ?? "",
    listed: {
      name: each.name,
      singular: each.singularName,
      namespaced: each.namespaced,
      kind: each.kind,
      verbs: each.verbs,
      shortNames: each.shortNames ?? [],
      categories: each.categories ?? [],
      hash: each.storageVersionHash ?? "",
    },
  }));
