/** What a request is about, read from its method and path the way the API server reads it. */
export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  readonly verb: string;
  readonly prefix: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly parts: readonly string[];
}

const verbs: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const plain: RequestInfo = {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    prefix: "",
    group: "",
    version: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    parts: [],
  };
  const prefix = parts[0] ?? "";
  const groupless = prefix === "api";
  if ((!groupless && prefix !== "apis") || parts.length < (groupless ? 3 : 4)) return plain;
  const group = groupless ? "" : (parts[1] ?? "");
  const version = parts[groupless ? 1 : 2] ?? "";
  return resourceInfo(
    { ...plain, isResource: true, prefix, group, version },
    method,
    parts.slice(groupless ? 2 : 3),
    query,
  );
}

function resourceInfo(
  info: RequestInfo,
  method: string,
  given: readonly string[],
  query: URLSearchParams,
): RequestInfo {
  let parts = given;
  let verb = verbs[method] ?? "";
  const watchPath = parts[0] === "watch" && parts.length > 1;
  if (watchPath) {
    verb = "watch";
    parts = parts.slice(1);
  }
  let namespace = "";
  if (parts[0] === "namespaces" && parts.length > 1) {
    namespace = parts[1] ?? "";
    if (parts.length > 2 && parts[2] !== "status" && parts[2] !== "finalize") parts = parts.slice(2);
  }
  const [resource = "", pathName = "", third = ""] = parts;
  const subresource = watchPath ? "" : third;
  let name = pathName;
  if (name === "" && verb === "get") {
    verb = isTrue(query.get("watch")) ? "watch" : "list";
    name = exactName(query.get("fieldSelector") ?? "");
  } else if (name === "" && verb === "delete") verb = "deletecollection";
  return { ...info, verb, namespace, resource, subresource, name, parts };
}

const isTrue = (value: string | null): boolean => value !== null && value !== "0" && value.toLowerCase() !== "false";

const exactName = (selector: string): string => /(?:^|,)metadata\.name==?([^,=]+)(?:,|$)/.exec(selector)?.[1] ?? "";

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
