import type { JsonObject } from "../wire/json.ts";
import userRoles from "./fixtures/user-roles.json" with { type: "json" };

const group = "rbac.authorization.k8s.io";

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

const meta = (name: string, labels: JsonObject = {}): JsonObject => ({
  name,
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
  annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
});

const clusterRole = (name: string, rules: readonly Rule[], labels: JsonObject = {}): JsonObject => ({
  metadata: meta(name, labels),
  rules: rules as unknown as JsonObject[],
});

const aggregated = (name: string, label: string, labels: JsonObject = {}): JsonObject => ({
  metadata: meta(name, labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${group}/aggregate-to-${label}`]: "true" } }] },
  rules: null,
});

const binding = (name: string, groups: readonly string[]): JsonObject => ({
  metadata: meta(name),
  roleRef: { apiGroup: group, kind: "ClusterRole", name },
  subjects: groups.map((each) => ({ apiGroup: group, kind: "Group", name: each })),
});

const discovery = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
  "/version/",
];
const info = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
/** The cluster roles that a fresh server has, as far as it has use for them. */
export const bootstrapRoles: readonly JsonObject[] = [
  clusterRole("cluster-admin", [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] },
  ]),
  clusterRole("system:discovery", [{ nonResourceURLs: discovery, verbs: ["get"] }]),
  clusterRole("system:public-info-viewer", [{ nonResourceURLs: info, verbs: ["get"] }]),
  clusterRole("system:basic-user", [
    {
      apiGroups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
      verbs: ["create"],
    },
    { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
  ]),
  clusterRole("system:auth-delegator", [
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  ]),
  clusterRole("system:service-account-issuer-discovery", [
    {
      nonResourceURLs: [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
        "/openid/v1/jwks/",
      ],
      verbs: ["get"],
    },
  ]),
  aggregated("admin", "admin"),
  aggregated("edit", "edit", { [`${group}/aggregate-to-admin`]: "true" }),
  aggregated("view", "view", { [`${group}/aggregate-to-edit`]: "true" }),
  ...Object.entries(userRoles).map(([name, { labels, rules }]) => clusterRole(name, rules, labels)),
];

/** The cluster role bindings that a fresh server has. */
export const bootstrapBindings: readonly JsonObject[] = [
  binding("cluster-admin", ["system:masters"]),
  binding("system:discovery", ["system:authenticated"]),
  binding("system:basic-user", ["system:authenticated"]),
  binding("system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
  binding("system:service-account-issuer-discovery", ["system:serviceaccounts"]),
];

/** Namespaces that a fresh server has. */
export const bootstrapNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"] as const;
