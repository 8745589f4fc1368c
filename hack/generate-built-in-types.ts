/**
 * Writes the field tables of the built-in kinds that the embedded API server offers, from the Go sources of
 * Kubernetes: names, types, omission rules and merge keys; and the descriptions that Table columns carry on the wire.
 *
 *   node hack/generate-built-in-types.ts "$(go env GOMODCACHE)/k8s.io" v0.36.3 v1.36.3
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

interface Field {
  readonly name: string;
  readonly type: string;
  readonly flags: string;
  /** Protobuf field numbers, from the outermost message of inlined structs inwards. */
  readonly numbers: string;
  readonly mergeKey?: string;
}

interface Package {
  readonly name: string;
  readonly file: string;
  readonly imports: Readonly<Record<string, string>>;
}

const packagesOf = (version: string): readonly Package[] => {
  const imports = {
    v1: "core.v1",
    corev1: "core.v1",
    apiextensions: "apiextensions.v1",
    metav1: "meta.v1",
    resource: "resource",
    intstr: "intstr",
    runtime: "runtime",
    types: "types",
  };
  const api = (group: string, name = `${group}.v1`): Package => ({
    name,
    file: `api@${version}/${group}/v1/types.go`,
    imports,
  });
  return [
    { name: "meta.v1", file: `apimachinery@${version}/pkg/apis/meta/v1/types.go`, imports },
    api("core"),
    api("storage"),
    api("rbac"),
    api("coordination"),
    api("events"),
    api("authentication"),
    api("authorization"),
    {
      name: "apiextensions.v1",
      file: `apiextensions-apiserver@${version}/pkg/apis/apiextensions/v1/types.go`,
      imports,
    },
    {
      name: "apiextensions.v1",
      file: `apiextensions-apiserver@${version}/pkg/apis/apiextensions/v1/types_jsonschema.go`,
      imports,
    },
  ];
};

/** Types whose JSON form is not that of their Go fields. */
const scalars = new Set([
  "string",
  "bool",
  "int",
  "int32",
  "int64",
  "uint8",
  "float64",
  "byte",
  "resource.Quantity",
  "intstr.IntOrString",
  "meta.v1.Time",
  "meta.v1.MicroTime",
  "meta.v1.Duration",
  "meta.v1.FieldsV1",
  "runtime.RawExtension",
  "apiextensions.v1.JSON",
  "apiextensions.v1.JSONSchemaPropsOrArray",
  "apiextensions.v1.JSONSchemaPropsOrBool",
  "apiextensions.v1.JSONSchemaPropsOrStringArray",
]);

const roots = [
  "core.v1.Namespace",
  "core.v1.Secret",
  "core.v1.ConfigMap",
  "core.v1.ServiceAccount",
  "core.v1.Event",
  "core.v1.Pod",
  "core.v1.Node",
  "core.v1.PersistentVolume",
  "core.v1.PersistentVolumeClaim",
  "storage.v1.StorageClass",
  "storage.v1.CSIDriver",
  "storage.v1.CSINode",
  "storage.v1.VolumeAttachment",
  "storage.v1.CSIStorageCapacity",
  "events.v1.Event",
  "coordination.v1.Lease",
  "rbac.v1.Role",
  "rbac.v1.RoleBinding",
  "rbac.v1.ClusterRole",
  "rbac.v1.ClusterRoleBinding",
  "apiextensions.v1.CustomResourceDefinition",
  "authentication.v1.TokenReview",
  "authentication.v1.TokenRequest",
  "authentication.v1.SelfSubjectReview",
  "authorization.v1.SubjectAccessReview",
  "authorization.v1.LocalSubjectAccessReview",
  "authorization.v1.SelfSubjectAccessReview",
  "authorization.v1.SelfSubjectRulesReview",
  "meta.v1.DeleteOptions",
];

const groups: readonly (readonly [string, string, readonly string[]])[] = [
  [
    "",
    "api__v1",
    [
      "namespaces",
      "secrets",
      "configmaps",
      "serviceaccounts",
      "events",
      "pods",
      "nodes",
      "persistentvolumes",
      "persistentvolumeclaims",
    ],
  ],
  ["apiextensions.k8s.io", "apis__apiextensions.k8s.io__v1", ["customresourcedefinitions"]],
  ["authentication.k8s.io", "apis__authentication.k8s.io__v1", ["tokenreviews", "selfsubjectreviews"]],
  [
    "authorization.k8s.io",
    "apis__authorization.k8s.io__v1",
    ["subjectaccessreviews", "localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"],
  ],
  ["coordination.k8s.io", "apis__coordination.k8s.io__v1", ["leases"]],
  ["events.k8s.io", "apis__events.k8s.io__v1", ["events"]],
  [
    "rbac.authorization.k8s.io",
    "apis__rbac.authorization.k8s.io__v1",
    ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
  ],
  [
    "storage.k8s.io",
    "apis__storage.k8s.io__v1",
    ["storageclasses", "csidrivers", "csinodes", "volumeattachments", "csistoragecapacities"],
  ],
];

/** Descriptions that the columns of Table output carry. */
const columnDocs: readonly (readonly [string, string])[] = [
  ["meta.v1.ObjectMeta", "name creationTimestamp"],
  ["core.v1.PodStatus", "podIP nominatedNodeName"],
  ["core.v1.PodSpec", "nodeName readinessGates"],
  ["core.v1.NodeSystemInfo", "kubeletVersion osImage kernelVersion containerRuntimeVersion"],
  ["core.v1.NodeStatus", "addresses"],
  ["core.v1.Event", "lastTimestamp type reason involvedObject source message firstTimestamp count"],
  ["core.v1.ObjectReference", "fieldPath"],
  ["core.v1.Secret", "type data"],
  ["core.v1.ConfigMap", "data"],
  ["core.v1.PersistentVolumeSpec", "capacity accessModes persistentVolumeReclaimPolicy claimRef volumeMode"],
  ["core.v1.PersistentVolumeStatus", "phase reason"],
  ["core.v1.PersistentVolumeClaimStatus", "phase capacity accessModes"],
  ["core.v1.PersistentVolumeClaimSpec", "volumeName volumeMode"],
  ["rbac.v1beta1.RoleBinding", "roleRef"],
  ["rbac.v1beta1.ClusterRoleBinding", "roleRef"],
  ["storage.v1.StorageClass", "provisioner reclaimPolicy volumeBindingMode allowVolumeExpansion"],
  [
    "storage.v1.CSIDriverSpec",
    "attachRequired podInfoOnMount storageCapacity tokenRequests requiresRepublish volumeLifecycleModes",
  ],
  ["storage.v1.VolumeAttachmentSpec", "attacher nodeName"],
  ["storage.v1.VolumeAttachmentSource", "persistentVolumeName"],
  ["storage.v1.VolumeAttachmentStatus", "attached"],
  ["storage.v1.CSIStorageCapacity", "storageClassName capacity"],
  ["coordination.v1.LeaseSpec", "holderIdentity"],
];

/** Subresources that the embedded server has. */
const subresources = new Set(["status", "finalize", "token"]);

class GoTypes {
  readonly structs = new Map<string, Field[]>();
  readonly aliases = new Map<string, string>();

  read(root: string, source: Package): void {
    const text = readFileSync(join(root, source.file), "utf8");
    for (const [, name, target] of text.matchAll(/^type (\w+) (?!struct|interface|func)(=? ?[\w.[\]*]+)\s*$/gm)) {
      this.aliases.set(`${source.name}.${name}`, this.qualify((target ?? "").replace(/^= ?/, ""), source));
    }
    for (const [, name] of text.matchAll(/^type (\w+) struct *\{\}/gm)) this.structs.set(`${source.name}.${name}`, []);
    for (const [, name, body] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      this.structs.set(`${source.name}.${name}`, this.fields(body ?? "", source));
    }
  }

  fields(body: string, source: Package): Field[] {
    return body.split("\n").flatMap((line): Field[] => {
      const match = /^\t(?:(\w+)\s+)?([\w.[\]*]+)\s+`(.*)`/.exec(line);
      if (!match) return [];
      const [, , type = "", tags = ""] = match;
      const [name = "", ...rules] = (/json:"([^"]*)"/.exec(tags)?.[1] ?? "-").split(",");
      if (name === "-" && rules.length === 0) return [];
      const mergeKey = /patchMergeKey:"([^"]*)"/.exec(tags)?.[1];
      const strategy = /patchStrategy:"([^"]*)"/.exec(tags)?.[1] ?? "";
      const flags =
        (rules.includes("inline") || name === "" ? "i" : "") +
        (rules.includes("omitempty") ? "o" : "") +
        (rules.includes("omitzero") ? "z" : "") +
        (strategy.includes("merge") ? "m" : "") +
        (strategy.includes("retainKeys") ? "k" : "") +
        (strategy.includes("replace") ? "r" : "");
      const numbers = /protobuf:"\w+,(\d+)/.exec(tags)?.[1] ?? "";
      return [
        { name, type: this.qualify(type, source), flags, numbers, ...(mergeKey === undefined ? {} : { mergeKey }) },
      ];
    });
  }

  qualify(type: string, source: Package): string {
    const match = /^(\*|\[\]|map\[[\w.]+\])(.*)$/.exec(type);
    if (match) {
      const prefix = match[1]?.startsWith("map") ? "map[string]" : (match[1] ?? "");
      return prefix + this.qualify(match[2] ?? "", source);
    }
    if (type.includes(".")) {
      const [left = "", right = ""] = type.split(".");
      const known = source.imports[left] ?? left;
      return known === "types" ? "string" : `${known}.${right}`;
    }
    return /^[a-z]/.test(type) ? type : `${source.name}.${type}`;
  }

  /** The named type at the bottom of pointers, lists and maps. */
  static base(type: string): string {
    return type.replace(/^(\*|\[\]|map\[string\])+/, "");
  }

  inlined(name: string): Field[] {
    return (this.structs.get(name) ?? []).flatMap((field) => {
      if (!field.flags.includes("i")) return [field];
      const inside = (numbers: string): string => (field.numbers === "" ? "" : `${field.numbers}.${numbers}`);
      return this.inlined(GoTypes.base(field.type)).map((each) => ({ ...each, numbers: inside(each.numbers) }));
    });
  }

  closure(): string {
    const seen = new Set<string>();
    const aliases = new Map<string, string>();
    const queue = [...roots];
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      if (seen.has(name) || scalars.has(name)) continue;
      const alias = this.aliases.get(name);
      if (alias !== undefined) {
        aliases.set(name, alias);
        queue.push(GoTypes.base(alias));
        continue;
      }
      if (!this.structs.has(name)) throw new Error(`no Go type ${name}`);
      seen.add(name);
      queue.push(...this.inlined(name).map((field) => GoTypes.base(field.type)));
    }
    const structLines = [...seen].sort().map((name) => {
      const fields = this.inlined(name).map((field) => [
        field.name,
        field.type,
        field.flags,
        field.numbers,
        ...(field.mergeKey === undefined ? [] : [field.mergeKey]),
      ]);
      return `    ${JSON.stringify(name)}: ${JSON.stringify(fields)}`;
    });
    const aliasLines = [...aliases]
      .sort()
      .map(([name, type]) => `    ${JSON.stringify(name)}: ${JSON.stringify(type)}`);
    return `  "structs": {\n${structLines.join(",\n")}\n  },\n  "aliases": {\n${aliasLines.join(",\n")}\n  }`;
  }
}

function resourceLines(discovery: string): string {
  const lines = groups.flatMap(([group, file, names]) => {
    const { resources } = JSON.parse(readFileSync(join(discovery, `${file}.json`), "utf8")) as {
      resources: { name: string }[];
    };
    return resources
      .filter(({ name }) => {
        const [plural = "", sub] = name.split("/");
        return names.includes(plural) && (sub === undefined || subresources.has(sub));
      })
      .map((resource) => `    ${JSON.stringify({ in: group, ...resource })}`);
  });
  return `  "resources": [\n${lines.join(",\n")}\n  ]`;
}

function docLines(modules: string, version: string): string {
  const lines = columnDocs.flatMap(([type, fields]) => {
    const [group = "", api = "", name = ""] = type.split(".");
    const root = group === "meta" ? `apimachinery@${version}/pkg/apis/meta/v1` : `api@${version}/${group}/${api}`;
    const text = readFileSync(join(modules, root, "types_swagger_doc_generated.go"), "utf8");
    const body = new RegExp(`var map_${name} = map\\[string\\]string\\{([\\s\\S]*?)\\n\\}`).exec(text)?.[1] ?? "";
    return fields.split(" ").map((field) => {
      const literal = new RegExp(`"${field}":\\s+("(?:[^"\\\\]|\\\\.)*")`).exec(body)?.[1];
      if (literal === undefined) throw new Error(`no description of ${type}.${field}`);
      return `    ${JSON.stringify(`${type}.${field}`)}: ${JSON.stringify(JSON.parse(literal))}`;
    });
  });
  return `  "docs": {\n${lines.join(",\n")}\n  }`;
}

if (import.meta.main) {
  const [modules = "", version = "", kubernetes = ""] = process.argv.slice(2);
  const types = new GoTypes();
  for (const source of packagesOf(version)) types.read(modules, source);
  const target = resolve(import.meta.dirname, "../pkg/dev/kube/builtin/fixtures/built-in-types.json");
  const discovery = join(modules, `kubernetes@${kubernetes}`, "api/discovery");
  writeFileSync(target, `{\n${types.closure()},\n${resourceLines(discovery)},\n${docLines(modules, version)}\n}\n`);
  console.log(`wrote ${target}`);
}
