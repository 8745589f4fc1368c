import { age } from "../tables/ages.ts";
import type { Column } from "../tables/columns.ts";
import { at, isObject, type Json, type JsonObject, listAt, objectAt, textAt, textsAt } from "../wire/json.ts";
import { fieldDescription } from "./go-types.ts";

type Cell = (object: JsonObject, now: number) => Json;

const column = (name: string, describe: string, cell: Cell, extra: Partial<Column> = {}): Column => ({
  name,
  type: "string",
  format: "",
  description: describe.includes(".v1") ? fieldDescription(describe) : describe,
  priority: 0,
  cell,
  ...extra,
});
const wide = { priority: 1 };
const text =
  (...path: readonly string[]): Cell =>
  (object) =>
    textAt(object, ...path);
const orNone = (value: string): string => (value === "" ? "<none>" : value);
const since =
  (...path: readonly string[]): Cell =>
  (object, now) =>
    age(textAt(object, ...path), now);

const name = column("Name", "meta.v1.ObjectMeta.name", text("metadata", "name"), { format: "name" });
const created = column("Age", "meta.v1.ObjectMeta.creationTimestamp", since("metadata", "creationTimestamp"));

const modes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const accessModes = (list: readonly string[]): string =>
  Object.keys(modes)
    .filter((mode) => list.includes(mode))
    .map((mode) => modes[mode])
    .join(",");

const phase: Cell = (object) =>
  at(object, "metadata", "deletionTimestamp") === undefined ? textAt(object, "status", "phase") : "Terminating";

const className: Cell = (object) =>
  textAt(object, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class") ||
  textAt(object, "spec", "storageClassName");
const unset =
  (...path: readonly string[]): Cell =>
  (object) =>
    textAt(object, ...path) || "<unset>";

const claim: Cell = (object) => {
  const ref = at(object, "spec", "claimRef");
  return isObject(ref) ? `${textAt(ref, "namespace")}/${textAt(ref, "name")}` : "";
};

const subjects =
  (kind: string): Cell =>
  (object) =>
    listAt(object, "subjects")
      .filter((each) => textAt(each, "kind") === kind)
      .map((each) =>
        kind === "ServiceAccount" ? `${textAt(each, "namespace")}/${textAt(each, "name")}` : textAt(each, "name"),
      )
      .join(", ");

const bindingColumns = (struct: string, word: string): readonly Column[] => [
  name,
  column(
    "Role",
    `rbac.v1beta1.${struct}.roleRef`,
    (each) => `${textAt(each, "roleRef", "kind")}/${textAt(each, "roleRef", "name")}`,
  ),
  created,
  column("Users", `Users in the ${word}`, subjects("User"), wide),
  column("Groups", `Groups in the ${word}`, subjects("Group"), wide),
  column("ServiceAccounts", `ServiceAccounts in the ${word}`, subjects("ServiceAccount"), wide),
];

const flag =
  (fallback: boolean, ...path: readonly string[]): Cell =>
  (object) => {
    const value = at(object, ...path);
    return typeof value === "boolean" ? value : fallback;
  };

const podStatus: Cell = (object) => {
  const status = textAt(object, "status", "phase");
  if (at(object, "metadata", "deletionTimestamp") !== undefined && status !== "Succeeded" && status !== "Failed")
    return "Terminating";
  return textAt(object, "status", "reason") || status;
};
const podReady: Cell = (object) => {
  const statuses = listAt(object, "status", "containerStatuses");
  const ready = statuses.filter((each) => at(each, "ready") === true && at(each, "state", "running") !== undefined);
  return `${ready.length}/${listAt(object, "spec", "containers").length}`;
};
const podRestarts: Cell = (object) =>
  String(
    listAt(object, "status", "containerStatuses").reduce(
      (sum: number, each) => sum + Number(at(each, "restartCount") ?? 0),
      0,
    ),
  );

const nodeStatus: Cell = (object) => {
  const ready = listAt(object, "status", "conditions").find((each) => textAt(each, "type") === "Ready");
  const word = ready === undefined ? "Unknown" : textAt(ready, "status") === "True" ? "Ready" : "NotReady";
  return at(object, "spec", "unschedulable") === true ? `${word},SchedulingDisabled` : word;
};
const nodeRoles: Cell = (object) => {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.entries(objectAt(object, "metadata", "labels")).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return [key.slice(prefix.length)];
    return key === "kubernetes.io/role" ? [String(value)] : [];
  });
  return orNone(
    [...new Set(roles)]
      .filter((each) => each !== "")
      .sort()
      .join(","),
  );
};
const nodeAddress =
  (type: string): Cell =>
  (object) =>
    orNone(
      textAt(
        listAt(object, "status", "addresses").find((each) => textAt(each, "type") === type),
        "address",
      ),
    );
const nodeInfo =
  (field: string): Cell =>
  (object) =>
    textAt(object, "status", "nodeInfo", field) || "<unknown>";

const firstSeen: Cell = (object, now) => age(textAt(object, "firstTimestamp") || textAt(object, "eventTime"), now);
const lastSeen: Cell = (object, now) => {
  const series = textAt(object, "series", "lastObservedTime");
  if (series !== "") return age(series, now);
  const last = textAt(object, "lastTimestamp");
  return last === "" ? firstSeen(object, now) : age(last, now);
};
const eventTarget: Cell = (object) => {
  const kind = textAt(object, "involvedObject", "kind").toLowerCase();
  const target = textAt(object, "involvedObject", "name");
  return target === "" ? kind : `${kind}/${target}`;
};
const eventSource: Cell = (object) => {
  const component = textAt(object, "source", "component") || textAt(object, "reportingComponent");
  const host = textAt(object, "source", "host") || textAt(object, "reportingInstance");
  return [component, host].filter((each) => each !== "").join(", ");
};
const eventCount: Cell = (object) => at(object, "series", "count") ?? (Number(at(object, "count") ?? 0) || 1);

const size =
  (...fields: readonly string[]): Cell =>
  (object) =>
    fields.reduce((sum, field) => sum + Object.keys(objectAt(object, field)).length, 0);

const eventColumns: readonly Column[] = [
  column("Last Seen", "core.v1.Event.lastTimestamp", lastSeen),
  column("Type", "core.v1.Event.type", text("type")),
  column("Reason", "core.v1.Event.reason", text("reason")),
  column("Object", "core.v1.Event.involvedObject", eventTarget),
  column("Subobject", "core.v1.ObjectReference.fieldPath", text("involvedObject", "fieldPath"), wide),
  column("Source", "core.v1.Event.source", eventSource, wide),
  column("Message", "core.v1.Event.message", (each) => textAt(each, "message").trim()),
  column("First Seen", "core.v1.Event.firstTimestamp", firstSeen, wide),
  column("Count", "core.v1.Event.count", eventCount, wide),
  column("Name", "meta.v1.ObjectMeta.name", text("metadata", "name"), { ...wide, format: "name" }),
];

const roleColumns: readonly Column[] = [
  column("Name", "meta.v1.ObjectMeta.name", text("metadata", "name"), { format: "name" }),
  column("Created At", "meta.v1.ObjectMeta.creationTimestamp", text("metadata", "creationTimestamp"), { type: "date" }),
];

/** Columns of kinds that have no printer of their own. */
export const plainColumns = roleColumns;

/** The columns of `kubectl get`, per plural name. */
export const builtinColumns: Readonly<Record<string, readonly Column[]>> = {
  namespaces: [name, column("Status", "The status of the namespace", text("status", "phase")), created],
  secrets: [
    name,
    column("Type", "core.v1.Secret.type", text("type")),
    column("Data", "core.v1.Secret.data", size("data")),
    created,
  ],
  configmaps: [name, column("Data", "core.v1.ConfigMap.data", size("data", "binaryData")), created],
  serviceaccounts: [name, created],
  events: eventColumns,
  pods: [
    name,
    column("Ready", "The aggregate readiness state of this pod for accepting traffic.", podReady),
    column("Status", "The aggregate status of the containers in this pod.", podStatus),
    column(
      "Restarts",
      "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
      podRestarts,
    ),
    created,
    column("IP", "core.v1.PodStatus.podIP", (each) => orNone(textAt(listAt(each, "status", "podIPs")[0], "ip")), wide),
    column("Node", "core.v1.PodSpec.nodeName", (each) => orNone(textAt(each, "spec", "nodeName")), wide),
    column(
      "Nominated Node",
      "core.v1.PodStatus.nominatedNodeName",
      (each) => orNone(textAt(each, "status", "nominatedNodeName")),
      wide,
    ),
    column("Readiness Gates", "core.v1.PodSpec.readinessGates", () => "<none>", wide),
  ],
  nodes: [
    name,
    column("Status", "The status of the node", nodeStatus),
    column("Roles", "The roles of the node", nodeRoles),
    created,
    column("Version", "core.v1.NodeSystemInfo.kubeletVersion", text("status", "nodeInfo", "kubeletVersion")),
    column("Internal-IP", "core.v1.NodeStatus.addresses", nodeAddress("InternalIP"), wide),
    column("External-IP", "core.v1.NodeStatus.addresses", nodeAddress("ExternalIP"), wide),
    column("OS-Image", "core.v1.NodeSystemInfo.osImage", nodeInfo("osImage"), wide),
    column("Kernel-Version", "core.v1.NodeSystemInfo.kernelVersion", nodeInfo("kernelVersion"), wide),
    column(
      "Container-Runtime",
      "core.v1.NodeSystemInfo.containerRuntimeVersion",
      nodeInfo("containerRuntimeVersion"),
      wide,
    ),
  ],
  persistentvolumes: [
    name,
    column(
      "Capacity",
      "core.v1.PersistentVolumeSpec.capacity",
      (each) => textAt(each, "spec", "capacity", "storage") || "0",
    ),
    column("Access Modes", "core.v1.PersistentVolumeSpec.accessModes", (each) =>
      accessModes(textsAt(each, "spec", "accessModes")),
    ),
    column(
      "Reclaim Policy",
      "core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy",
      text("spec", "persistentVolumeReclaimPolicy"),
    ),
    column("Status", "core.v1.PersistentVolumeStatus.phase", phase),
    column("Claim", "core.v1.PersistentVolumeSpec.claimRef", claim),
    column("StorageClass", "StorageClass of the pv", className),
    column("VolumeAttributesClass", "VolumeAttributesClass of the pv", unset("spec", "volumeAttributesClassName")),
    column("Reason", "core.v1.PersistentVolumeStatus.reason", text("status", "reason")),
    created,
    column("VolumeMode", "core.v1.PersistentVolumeSpec.volumeMode", unset("spec", "volumeMode"), wide),
  ],
  persistentvolumeclaims: [
    name,
    column("Status", "core.v1.PersistentVolumeClaimStatus.phase", phase),
    column("Volume", "core.v1.PersistentVolumeClaimSpec.volumeName", text("spec", "volumeName")),
    column("Capacity", "core.v1.PersistentVolumeClaimStatus.capacity", (each) =>
      textAt(each, "spec", "volumeName") === "" ? "" : textAt(each, "status", "capacity", "storage") || "0",
    ),
    column("Access Modes", "core.v1.PersistentVolumeClaimStatus.accessModes", (each) =>
      textAt(each, "spec", "volumeName") === "" ? "" : accessModes(textsAt(each, "status", "accessModes")),
    ),
    column("StorageClass", "StorageClass of the pvc", className),
    column("VolumeAttributesClass", "VolumeAttributesClass of the pvc", unset("spec", "volumeAttributesClassName")),
    created,
    column("VolumeMode", "core.v1.PersistentVolumeClaimSpec.volumeMode", unset("spec", "volumeMode"), wide),
  ],
  storageclasses: [
    column(
      "Name",
      "meta.v1.ObjectMeta.name",
      (each) => {
        const marked = [
          "storageclass.kubernetes.io/is-default-class",
          "storageclass.beta.kubernetes.io/is-default-class",
        ].some((key) => textAt(each, "metadata", "annotations", key) === "true");
        return textAt(each, "metadata", "name") + (marked ? " (default)" : "");
      },
      { format: "name" },
    ),
    column("Provisioner", "storage.v1.StorageClass.provisioner", text("provisioner")),
    column(
      "ReclaimPolicy",
      "storage.v1.StorageClass.reclaimPolicy",
      (each) => textAt(each, "reclaimPolicy") || "Delete",
    ),
    column(
      "VolumeBindingMode",
      "storage.v1.StorageClass.volumeBindingMode",
      (each) => textAt(each, "volumeBindingMode") || "Immediate",
    ),
    column("AllowVolumeExpansion", "storage.v1.StorageClass.allowVolumeExpansion", flag(false, "allowVolumeExpansion")),
    created,
  ],
  csidrivers: [
    name,
    column("AttachRequired", "storage.v1.CSIDriverSpec.attachRequired", flag(true, "spec", "attachRequired"), {
      type: "boolean",
    }),
    column("PodInfoOnMount", "storage.v1.CSIDriverSpec.podInfoOnMount", flag(false, "spec", "podInfoOnMount"), {
      type: "boolean",
    }),
    column("StorageCapacity", "storage.v1.CSIDriverSpec.storageCapacity", flag(false, "spec", "storageCapacity"), {
      type: "boolean",
    }),
    column("TokenRequests", "storage.v1.CSIDriverSpec.tokenRequests", (each) =>
      at(each, "spec", "tokenRequests") === undefined
        ? "<unset>"
        : listAt(each, "spec", "tokenRequests")
            .map((one) => textAt(one, "audience"))
            .join(","),
    ),
    column(
      "RequiresRepublish",
      "storage.v1.CSIDriverSpec.requiresRepublish",
      flag(false, "spec", "requiresRepublish"),
      { type: "boolean" },
    ),
    column("Modes", "storage.v1.CSIDriverSpec.volumeLifecycleModes", (each) =>
      orNone(textsAt(each, "spec", "volumeLifecycleModes").join(",")),
    ),
    created,
  ],
  csinodes: [
    name,
    column(
      "Drivers",
      "Drivers indicates the number of CSI drivers registered on the node",
      (each) => listAt(each, "spec", "drivers").length,
      {
        type: "integer",
      },
    ),
    created,
  ],
  volumeattachments: [
    name,
    column("Attacher", "storage.v1.VolumeAttachmentSpec.attacher", text("spec", "attacher"), { format: "name" }),
    column(
      "PV",
      "storage.v1.VolumeAttachmentSource.persistentVolumeName",
      text("spec", "source", "persistentVolumeName"),
    ),
    column("Node", "storage.v1.VolumeAttachmentSpec.nodeName", text("spec", "nodeName")),
    column("Attached", "storage.v1.VolumeAttachmentStatus.attached", flag(false, "status", "attached"), {
      type: "boolean",
    }),
    created,
  ],
  csistoragecapacities: [
    name,
    column("StorageClassName", "storage.v1.CSIStorageCapacity.storageClassName", text("storageClassName")),
    column("Capacity", "storage.v1.CSIStorageCapacity.capacity", text("capacity")),
  ],
  leases: [name, column("Holder", "coordination.v1.LeaseSpec.holderIdentity", text("spec", "holderIdentity")), created],
  roles: roleColumns,
  clusterroles: roleColumns,
  rolebindings: bindingColumns("RoleBinding", "roleBinding"),
  clusterrolebindings: bindingColumns("ClusterRoleBinding", "clusterRoleBinding"),
  customresourcedefinitions: roleColumns,
};
