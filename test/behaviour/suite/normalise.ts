import type { Entry, Transcript } from "./transcript.ts";

/** All that a transcript leaves out or replaces. Whatever is not in this list is compared word for word. */
export const erased: readonly string[] = [
  "names: the random part that a run (<run>) or a case (<case>) puts into the names that it chooses",
  "uids: numbered by first appearance in the case, so that equal ones stay equal",
  "resourceVersions of objects: numbered likewise; of lists and bookmarks: <version>; in messages: <version>",
  "times: those within two days of now become <time> (whole seconds) or <microtime> (six digits); others stay",
  "ages in tables: <age>",
  "addresses: IP address and port of the server",
  "tokens: JSON web tokens become <token>; their claims are recorded where a case asks for them",
  "continue tokens: <continue>",
  "generated suffixes: five characters of the server's alphabet become a number; other ones stay as they are",
  "bookmarks of a watch: the first is kept, since how many follow is a matter of time",
  "what a refusal quotes whole, when that is an object or the versions of a definition: <object>",
  "order of the causes of one refusal, which is a matter of chance in Go, in its details and in its message",
  "what the compilers of rules (CEL) and patterns say: <compiler>; that they refuse, and where, is compared",
  "storageVersionHash in discovery: <hash>, since it is derived from the group, and that is the run's own",
  "managedFields: dropped (server-side apply is not offered)",
  "headers: only content-type (when not JSON), warning, retry-after and www-authenticate are compared",
  "order of keys in a JSON object",
];

/** Headers of an answer that are compared. */
export const toldHeaders = ["content-type", "warning", "retry-after", "www-authenticate"] as const;

const quotedObject =
  /(?<=Invalid value: )("\{\\"apiVersion\\".*?\}"|\{[^:]*:[^:]*"managedFields":.*?\}|\[\{"[Nn]ame":"v.*?\}\])(?=: )/gs;
const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const jwt = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
const time = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g;
const address = /\b(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?\b/g;
const twoDays = 2 * 24 * 3600 * 1000;
const suffix = "[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])";

/** The random parts of names that one case of one run uses. */
export interface Names {
  readonly run: string;
  readonly case: string;
}

/** Replaces in the entries of one case, in order, what can not be equal on two servers. */
export function normalise(entries: readonly Entry[], names: Names): Transcript {
  const eraser = new Eraser(names);
  return entries.map((entry) => eraser.walk(entry, []) as Entry);
}

class Eraser {
  readonly #names: Names;
  readonly #uids = new Map<string, string>();
  readonly #versions = new Map<string, string>();
  readonly #generated = new Map<string, string>();
  /** The ServiceAccount admission plugin names the volume that it adds to a pod. */
  readonly #prefixes = new Set(["kube-api-access-"]);

  constructor(names: Names) {
    this.#names = names;
  }

  walk(value: unknown, path: readonly string[]): unknown {
    if (typeof value === "string") return this.#string(value, path);
    if (Array.isArray(value)) return value.map((item, index) => this.walk(item, [...path, String(index)]));
    if (typeof value !== "object" || value === null) return value;
    const object = withSortedCauses(this.#withoutAges(value as Record<string, unknown>));
    this.#learnGenerated(object);
    if (path.length === 0 && Array.isArray(object["events"])) object["events"] = firstBookmark(object["events"]);
    const out: Record<string, unknown> = {};
    // Requests come before answers, and what an answer is about before what it quotes.
    for (const key of keysInOrder(object, path.length === 0)) {
      if (key === "managedFields") continue;
      out[this.#text(key)] = this.#member(object, key, path);
    }
    return out;
  }

  #member(object: Record<string, unknown>, key: string, path: readonly string[]): unknown {
    const value = object[key];
    if (key === "storageVersionHash") return "<hash>";
    if (key === "continue" && typeof value === "string" && value !== "") return "<continue>";
    if (key === "resourceVersion" && typeof value === "string" && /^\d+$/.test(value)) {
      const isObject = "uid" in object || "name" in object || path.at(-1) === "preconditions";
      // A literal of the case itself, such as 1, is known to nobody and stays.
      if (path[0] === "body" && !this.#versions.has(value)) return value;
      return isObject ? numbered(this.#versions, value, "version") : "<version>";
    }
    return this.walk(value, [...path, key]);
  }

  /** A Table tells ages as text; the column says which cell. */
  #withoutAges(object: Record<string, unknown>): Record<string, unknown> {
    const columns = object["columnDefinitions"] as { name: string }[] | undefined;
    const rows = object["rows"] as { cells: unknown[] }[] | undefined;
    if (!Array.isArray(columns) || !Array.isArray(rows)) return object;
    const ages = new Set(columns.flatMap((column, index) => (column.name === "Age" ? [index] : [])));
    const aged = (cells: unknown[]) =>
      cells.map((cell, index) => (ages.has(index) && /^\d+[smhd]/.test(String(cell)) ? "<age>" : cell));
    return { ...object, rows: rows.map((row) => ({ ...row, cells: aged(row.cells) })) };
  }

  /** What was asked for with generateName may turn up anywhere in the answers, refusals included. */
  #learnGenerated(object: Record<string, unknown>): void {
    const { generateName } = object;
    if (typeof generateName === "string" && generateName !== "") this.#prefixes.add(generateName);
  }

  #string(value: string, path: readonly string[]): string {
    const known = this.#versions.get(value);
    if (known !== undefined && path.at(-1) === "resourceVersion") return known;
    return this.#text(value);
  }

  #text(value: string): string {
    let text = value;
    for (const prefix of this.#prefixes) {
      const made = new RegExp(`${escaped(prefix)}${suffix}`, "g");
      text = text.replace(made, (name) => `${prefix}${numbered(this.#generated, name, "generated")}`);
    }
    return text
      .replaceAll(this.#names.run, "<run>")
      .replaceAll(this.#names.case, "<case>")
      .replace(/(compilation failed: |but isn't: )[\s\S]*?(?=, spec\.|\]?$)/g, "$1<compiler>")
      .replace(quotedObject, "<object>")
      .replace(jwt, "<token>")
      .replace(uuid, (id) => numbered(this.#uids, id, "uid"))
      .replace(time, nearTime)
      .replace(address, "<address>")
      .replace(/([?&]continue=)[^&]+/g, "$1<continue>")
      .replace(
        /(resource ?[vV]ersion(?:=| in [a-z ]+\(|: )|current: |ResourceVersion in [a-z ]+\()(\d+)/g,
        (_, before, n) => `${before}${this.#versionInText(n)}`,
      )
      .replace(/("resourceVersion":")(\d+)/g, (_, before, n) => `${before}${this.#versionInText(n)}`)
      .replace(/(too old resource version: [^ ]+ )\(\d+\)/g, "$1(<version>)");
  }

  #versionInText(digits: string): string {
    return this.#versions.get(digits) ?? (digits.length <= 1 || digits.length > 12 ? digits : "<version>");
  }
}

interface Refusal {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

function withSortedCauses(object: Record<string, unknown>): Record<string, unknown> {
  const { message, details } = object as Refusal;
  if (details?.causes === undefined || details.causes.length < 2) return object;
  const inMessage = ({ field, message: why }: { field?: string; message?: string }) => `${field}: ${why}`;
  const causes = details.causes.toSorted((a, b) => (inMessage(a) < inMessage(b) ? -1 : 1));
  const [before, after] = [details.causes, causes].map((list) => `[${list.map(inMessage).join(", ")}]`);
  return { ...object, message: message?.replace(before ?? "", () => after ?? ""), details: { ...details, causes } };
}

function firstBookmark(events: readonly { type?: unknown }[]): unknown[] {
  const first = events.findIndex(({ type }) => type === "BOOKMARK");
  return events.filter(({ type }, index) => type !== "BOOKMARK" || index === first);
}

function numbered(known: Map<string, string>, value: string, what: string): string {
  const label = known.get(value) ?? `<${what}-${known.size + 1}>`;
  known.set(value, label);
  return label;
}

function nearTime(text: string, fraction: string | undefined): string {
  if (Math.abs(Date.parse(text) - Date.now()) > twoDays) return text;
  return fraction === undefined ? "<time>" : fraction.length === 7 ? "<microtime>" : `<time${fraction.length - 1}>`;
}

const entryOrder = ["send", "watch", "as", "headers", "body", "status", "told", "answer", "events", "ended", "remark"];

function keysInOrder(object: Record<string, unknown>, isEntry: boolean): string[] {
  const keys = Object.keys(object).filter((key) => object[key] !== undefined);
  if (!isEntry) return keys.sort();
  return keys.sort((a, b) => entryOrder.indexOf(a) - entryOrder.indexOf(b));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
