/** A request that the embedded server refuses on purpose. */
export interface NotOffered {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  /** What the refusal says, so that a person knows that it is the server and not the request. */
  readonly message: string;
  readonly why: string;
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function definition(conversion: object): object {
  const schema = { openAPIV3Schema: { type: "object" } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "xs.x.example.com" },
    spec: {
      group: "x.example.com",
      scope: "Namespaced",
      names: { plural: "xs", kind: "X" },
      versions: [{ name: "v1", served: true, storage: true, schema }],
      conversion,
    },
  };
}

const implementNot = (what: string) => `the embedded API server does not implement ${what}`;
const noSuchGroup = "the server could not find the requested resource";

/** The closed list of what the embedded server does not offer, and how exactly it says so. */
export const notOffered: readonly NotOffered[] = [
  {
    what: "server-side apply",
    method: "PATCH",
    path: "/api/v1/namespaces/default/configmaps/a?fieldManager=x",
    headers: { "content-type": "application/apply-patch+yaml" },
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
    status: 501,
    message: implementNot("server-side apply"),
    why: "ownership of fields is a program of its own; ours write with update and patch",
  },
  ...["application/yaml", "application/vnd.kubernetes.protobuf"].map((format) => ({
    what: `answers in ${format}`,
    method: "GET",
    path: "/api/v1/namespaces/default/configmaps",
    headers: { accept: format },
    status: 501,
    message: implementNot(`answers in ${format}; ask for application/json`),
    why: "every client here reads JSON",
  })),
  {
    what: "conversion webhooks",
    method: "POST",
    path: definitions,
    body: definition({
      strategy: "Webhook",
      webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: "https://x.example.com" } },
    }),
    status: 501,
    message: implementNot("conversion webhooks"),
    why: "the suite of the conversion webhook needs a real server",
  },
  ...["log", "exec", "attach", "portforward"].map((subresource) => ({
    what: `pods/${subresource}`,
    method: "GET",
    path: `/api/v1/namespaces/default/pods/a/${subresource}`,
    status: 501,
    message: implementNot(`pods/${subresource}`),
    why: "no kubelet",
  })),
  ...[
    ["apps/v1", "deployments", "no controllers run workloads"],
    ["admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "no admission but the built-in"],
    ["apiregistration.k8s.io/v1", "apiservices", "no aggregation"],
  ].map(([group, resource, why = ""]) => ({
    what: `${resource}.${group}`,
    method: "GET",
    path: `/apis/${group}/${resource}`,
    status: 404,
    message: noSuchGroup,
    why: `${why}; answered as any server answers for a group that it does not have`,
  })),
];
