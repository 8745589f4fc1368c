import type { Kind } from "../../apis/schema/index.ts";
import { Failure } from "../../runtime/errors/index.ts";

export interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** Path of a collection, or with `name` of one object. Throws a terminal Failure for a name that would lead elsewhere. */
export function pathOf(kind: Kind, { namespace, name, subresource }: Place): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope =
    kind.namespaced && namespace !== undefined ? `/namespaces/${segment(kind, "namespace", namespace)}` : "";
  const object = name === undefined ? "" : `/${segment(kind, "name", name)}`;
  return `${root}${scope}/${kind.plural}${object}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** As {@link pathOf} for one object: a namespaced kind must have its namespace. */
export function objectPath(kind: Kind, place: Place & { readonly name: string }): string {
  if (kind.namespaced && place.namespace === undefined) throw malformed(kind, "namespace", "nothing");
  return pathOf(kind, place);
}

function segment(kind: Kind, what: string, text: string): string {
  if (text === "" || text === "." || text === ".." || /[/%]/.test(text))
    throw malformed(kind, what, JSON.stringify(text));
  return encodeURIComponent(text);
}

function malformed(kind: Kind, what: string, found: string): Failure {
  return new Failure("terminal", "BadRequest", `${kind.kind}: ${what} expected in the request, found ${found}`);
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The path with its query; undefined values are left out. */
export function withQuery(path: string, query: Query = {}): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parts.append(name, String(value));
  const text = parts.toString();
  return text === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${text}`;
}
