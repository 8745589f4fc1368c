/** How one resource is addressed, and what its objects call themselves. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const core = "v1";
const crd = "apiextensions.k8s.io/v1";
const rbac = "rbac.authorization.k8s.io/v1";
const storage = "storage.k8s.io/v1";
/** Group of the suite's own kinds; one per run, so that runs on one server do not meet. */
export const testGroup = "run-{run}.example.com";

/** Every resource that the suite touches. `{run}` stands for the run's own part of a name. */
export const resources = {
  configmaps: row(core, "ConfigMap", "configmaps", true),
  secrets: row(core, "Secret", "secrets", true),
  serviceaccounts: row(core, "ServiceAccount", "serviceaccounts", true),
  pods: row(core, "Pod", "pods", true),
  claims: row(core, "PersistentVolumeClaim", "persistentvolumeclaims", true),
  coreevents: row(core, "Event", "events", true),
  namespaces: row(core, "Namespace", "namespaces", false),
  nodes: row(core, "Node", "nodes", false),
  volumes: row(core, "PersistentVolume", "persistentvolumes", false),
  events: row("events.k8s.io/v1", "Event", "events", true),
  leases: row("coordination.k8s.io/v1", "Lease", "leases", true),
  storageclasses: row(storage, "StorageClass", "storageclasses", false),
  csidrivers: row(storage, "CSIDriver", "csidrivers", false),
  csinodes: row(storage, "CSINode", "csinodes", false),
  roles: row(rbac, "Role", "roles", true),
  rolebindings: row(rbac, "RoleBinding", "rolebindings", true),
  clusterroles: row(rbac, "ClusterRole", "clusterroles", false),
  clusterrolebindings: row(rbac, "ClusterRoleBinding", "clusterrolebindings", false),
  crds: row(crd, "CustomResourceDefinition", "customresourcedefinitions", false),
  tokenreviews: row("authentication.k8s.io/v1", "TokenReview", "tokenreviews", false),
  selfreviews: row("authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", false),
  accessreviews: row("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", false),
  localreviews: row("authorization.k8s.io/v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", true),
  ownreviews: row("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", false),
  rulesreviews: row("authorization.k8s.io/v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", false),
  services: row("cbt.storage.k8s.io/v1beta1", "SnapshotMetadataService", "snapshotmetadataservices", false),
  snapshots: row("snapshot.storage.k8s.io/v1", "VolumeSnapshot", "volumesnapshots", true),
  contents: row("snapshot.storage.k8s.io/v1", "VolumeSnapshotContent", "volumesnapshotcontents", false),
  snapshotclasses: row("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "volumesnapshotclasses", false),
  widgets: row(`${testGroup}/v1`, "Widget", "widgets", true),
  gauges: row(`${testGroup}/v1`, "Gauge", "gauges", true),
  gadgets: row(`${testGroup}/v1`, "Gadget", "gadgets", false),
  oldgadgets: row(`${testGroup}/v1alpha1`, "Gadget", "gadgets", false),
} as const satisfies Record<string, Resource>;

/** Name of a row of the table. */
export type ResourceName = keyof typeof resources;

/** Path of a resource, of one of its objects, or of a subresource. */
export function pathOf(
  resource: Resource,
  at: { namespace?: string | undefined; name?: string; subresource?: string },
) {
  const root = resource.apiVersion.includes("/") ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  const within = resource.namespaced && at.namespace !== undefined ? `/namespaces/${at.namespace}` : "";
  const rest = [at.name, at.subresource].filter((part) => part !== undefined).map((part) => `/${part}`);
  return `${root}${within}/${resource.plural}${rest.join("")}`;
}

function row(apiVersion: string, kind: string, plural: string, namespaced: boolean): Resource {
  return { apiVersion, kind, plural, namespaced };
}
