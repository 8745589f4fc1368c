import type { PolicyRule } from "../../runtime/lifecycle/index.ts";

/**
 * What the server needs of the API server. The originals' role lacks `watch` and secrets: without watch the server
 * reads live, without secrets it serves classes that name none.
 */
export const rules: readonly PolicyRule[] = [
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  {
    apiGroups: ["snapshot.storage.k8s.io"],
    resources: ["volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: ["cbt.storage.k8s.io"], resources: ["snapshotmetadataservices"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
];
