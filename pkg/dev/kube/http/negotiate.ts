import { ApiFailure, notAcceptable, notImplemented, unsupportedMediaType } from "../wire/status.ts";

/** How a client wants its answer: plain, as a Table, or with metadata only. */
export interface OutputForm {
  readonly as: "object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
  /** Version of meta.k8s.io for transformed answers. */
  readonly metaVersion: string;
  /** The Content-Type of the answer. */
  readonly contentType: string;
}

const json = "application/json";
const yaml = "application/yaml";
const protobuf = "application/vnd.kubernetes.protobuf";
/** What the real server names when it can not do what is asked for. */
const supported = [json, yaml, protobuf];

interface Clause {
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** Chooses the answer's form. Only JSON is on offer: protobuf and YAML are refused unless JSON is asked for too. */
export function negotiate(accept: string, custom: boolean, collection = false): OutputForm {
  const clauses = parseAccept(accept);
  if (clauses.length === 0) return plain;
  for (const { type, params } of clauses) {
    if (type !== json && type !== "*/*" && type !== "application/*") continue;
    const as = params.get("as");
    if (as === undefined) return plain;
    const form = transformed(as, params);
    if (form) return form;
  }
  const known = clauses.find(({ type }) => type === yaml || (type === protobuf && !custom));
  if (known) throw notImplemented(`answers in ${known.type}; ask for ${json}`);
  if (custom || clauses.some(({ type }) => type === json || type.endsWith("/*"))) throw notAcceptable(supported);
  const streams = supported.filter((each) => each !== yaml).map((each) => `${each};stream=watch`);
  const available = [...supported, ...(collection ? streams : [])].join(", ");
  throw new ApiFailure(406, "NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${available}`, {});
}

const plain: OutputForm = { as: "object", metaVersion: "v1", contentType: json };

function transformed(as: string, params: ReadonlyMap<string, string>): OutputForm | undefined {
  const version = params.get("v") ?? "";
  if (params.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (as !== "Table" && as !== "PartialObjectMetadata" && as !== "PartialObjectMetadataList") return undefined;
  return { as, metaVersion: version, contentType: json };
}

function parseAccept(accept: string): Clause[] {
  return accept
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part): Clause => {
      const [type = "", ...rest] = part.split(";").map((each) => each.trim());
      const params = new Map(rest.map((each) => [each.split("=")[0] ?? "", each.slice(each.indexOf("=") + 1)]));
      return { type: type.toLowerCase(), params, quality: Number(params.get("q") ?? "1") };
    })
    .sort((a, b) => b.quality - a.quality);
}

/** The formats of bodies that are read. */
export type BodyFormat = "json" | "yaml" | "protobuf";

/** The format of a body; throws 415 for others. Custom resources have no protobuf form. */
export function inputFormat(contentType: string, custom: boolean): BodyFormat {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "" || type === json) return "json";
  if (type === "application/yaml") return "yaml";
  if (type === "application/vnd.kubernetes.protobuf" && !custom) return "protobuf";
  throw unsupportedMediaType(supported);
}
