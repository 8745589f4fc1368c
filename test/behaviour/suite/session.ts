import { setTimeout as sleep } from "node:timers/promises";
import type { Http, Message, Reply } from "../../support/http.ts";
import type { Account } from "../../support/service-account-token.ts";
import type { Doc } from "./doc.ts";
import type { Names } from "./normalise.ts";
import { toldHeaders } from "./normalise.ts";
import { pathOf, type ResourceName, resources } from "./resources.ts";
import type { Entry } from "./transcript.ts";
import { Watcher } from "./watcher.ts";

/** What a story goes on with. */
export interface Answer {
  readonly status: number;
  readonly body: Doc;
  readonly headers: Reply["headers"];
}

/** Query parameters; `undefined` leaves one out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Who sends: a bearer token, or a user that the administrator impersonates. */
export type Identity =
  | { readonly name: string; readonly token: string }
  | { readonly name: string; readonly headers: Readonly<Record<string, string>> };

/** Where an object is, when not in the namespace of the case. */
export interface Place {
  readonly namespace?: string | undefined;
  readonly subresource?: string;
}

/** What a request may carry beside its body. */
export interface Extras extends Place {
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Keeps of the answer what matters, where the rest is legitimately different. */
  readonly select?: (body: Doc) => unknown;
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** What a session is built from. */
export interface SessionDeps {
  readonly http: Http;
  readonly token: string;
  readonly names: Names;
  /** Longest wait for what does not come, milliseconds. */
  readonly patienceMs?: number | undefined;
  /** Forgets old versions; present for cases that need it. */
  readonly compact?: (() => Promise<void>) | undefined;
  /** A token that ran out; present for cases that need it. */
  readonly expiredToken?: ((account: Account) => Promise<string>) | undefined;
}

/** Tells one case's requests to a server and records what was said. */
export class Session {
  readonly entries: Entry[];
  readonly #deps: SessionDeps;
  readonly #identity: Identity | undefined;

  constructor(deps: SessionDeps, entries: Entry[] = [], identity?: Identity) {
    this.#deps = deps;
    this.entries = entries;
    this.#identity = identity;
  }

  /** Part of a name that no other case uses. */
  get id(): string {
    return this.#deps.names.case;
  }

  /** The namespace of the case. */
  get ns(): string {
    return `case-${this.id}`;
  }

  /** The group of the suite's own kinds. */
  get group(): string {
    return this.#fill("run-{run}.example.com");
  }

  /** The same story told by somebody else. */
  as(identity: Identity): Session {
    return new Session(this.#deps, this.entries, identity);
  }

  /** The administrator in the role of a user and groups. */
  asUser(name: string, groups: readonly string[] = []): Session {
    if (groups.length > 1) throw new Error("one group is enough for a case");
    const headers = { "impersonate-user": name, ...(groups[0] ? { "impersonate-group": groups[0] } : {}) };
    return this.as({ name: [name, ...groups].join(" of "), headers });
  }

  /** Path of a resource, an object or a subresource; in the case's namespace when the kind has one. */
  path(resource: ResourceName, name?: string, place: Place = {}): string {
    const { subresource } = place;
    const namespace = "namespace" in place ? place.namespace : this.ns;
    const at = { namespace, ...(name === undefined ? {} : { name }), ...(subresource ? { subresource } : {}) };
    return this.#fill(pathOf(resources[resource], at));
  }

  /** Gives an object the apiVersion and kind of its resource, unless it has its own. */
  typed(resource: ResourceName, object: object): object {
    const { apiVersion, kind } = resources[resource];
    return { apiVersion: this.#fill(apiVersion), kind, ...object };
  }

  async create(resource: ResourceName, object: object, extras: Extras = {}): Promise<Answer> {
    return await this.send("POST", this.path(resource, undefined, extras), this.typed(resource, object), extras);
  }

  /** Creates below an object: a binding, an eviction, a token. */
  async createAt(resource: ResourceName, name: string, object: object, extras: Extras): Promise<Answer> {
    return await this.send("POST", this.path(resource, name, extras), object, extras);
  }

  async get(resource: ResourceName, name: string, extras: Extras = {}): Promise<Answer> {
    return await this.send("GET", this.path(resource, name, extras), undefined, extras);
  }

  async list(resource: ResourceName, query: Query = {}, extras: Extras = {}): Promise<Answer> {
    return await this.send("GET", this.path(resource, undefined, extras), undefined, { ...extras, query });
  }

  /** PUT at the name that the object carries. */
  async update(resource: ResourceName, object: Doc | object, extras: Extras = {}): Promise<Answer> {
    const name = (object as Doc).metadata?.name ?? "";
    return await this.send("PUT", this.path(resource, name, extras), this.typed(resource, object), extras);
  }

  async patch(
    resource: ResourceName,
    name: string,
    type: keyof typeof patchTypes,
    body: unknown,
    extras: Extras = {},
  ): Promise<Answer> {
    const headers = { "content-type": patchTypes[type], ...extras.headers };
    return await this.send("PATCH", this.path(resource, name, extras), body, { ...extras, headers });
  }

  async remove(resource: ResourceName, name: string, body?: object, extras: Extras = {}): Promise<Answer> {
    return await this.send("DELETE", this.path(resource, name, extras), body, extras);
  }

  async removeAll(resource: ResourceName, query: Query = {}, body?: object): Promise<Answer> {
    return await this.send("DELETE", this.path(resource), body, { query });
  }

  /** Sends anything; a string goes as it is, everything else as JSON. Records the exchange. */
  async send(method: string, path: string, body?: unknown, extras: Extras = {}): Promise<Answer> {
    const full = path + queryOf(extras.query ?? {});
    const answer = await this.#exchange(method, full, body, extras.headers ?? {});
    this.#record(method, full, body, answer, extras);
    return answer;
  }

  /**
   * Asks again until `enough`, for at most `withinMs`; records the last exchange only, whether or not it was enough,
   * since how often one asks depends on the server's speed.
   */
  async until(
    path: string,
    enough: (answer: Answer) => boolean,
    extras: Extras & { readonly withinMs?: number; readonly method?: string; readonly body?: unknown } = {},
  ): Promise<Answer> {
    const full = path + queryOf(extras.query ?? {});
    const end = performance.now() + Math.min(extras.withinMs ?? 15_000, this.#deps.patienceMs ?? Infinity);
    const method = extras.method ?? "GET";
    let answer = await this.#exchange(method, full, extras.body, extras.headers ?? {});
    for (let wait = 10; !enough(answer) && performance.now() < end; wait = Math.min(wait * 2, 200)) {
      await sleep(wait);
      answer = await this.#exchange(method, full, extras.body, extras.headers ?? {});
    }
    this.#record(method, full, extras.body, answer, extras);
    return answer;
  }

  /** Asks again, unrecorded, until it is so, or patience ends; the story goes on either way. */
  async settle(isSo: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + Math.min(15_000, this.#deps.patienceMs ?? Infinity);
    while (!(await isSo()) && performance.now() < end) await sleep(20);
  }

  /** Sends without recording: for what must be in place, but is another case's subject. */
  async quietly(method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
    return await this.#exchange(method, path, body, headers);
  }

  /** Watches while `during` runs, then records what was seen. */
  async watch(
    resource: ResourceName,
    query: Query,
    during: (watcher: Watcher) => Promise<void>,
    extras: Extras = {},
  ): Promise<void> {
    const path = this.path(resource, undefined, extras) + queryOf({ watch: true, ...query });
    const message = this.#message("GET", path, undefined, extras.headers ?? {});
    const watcher = await Watcher.open(this.#deps.http, message, this.#deps.patienceMs);
    try {
      await during(watcher);
    } finally {
      watcher.close();
      const { status, events, ended } = watcher;
      this.entries.push({ watch: `GET ${path}`, ...this.#who(), status, events: [...events], ended });
    }
  }

  /** Records something derived, such as a comparison of two versions. */
  remark(remark: string, value: unknown): void {
    this.entries.push({ remark, value });
  }

  /** Forgets every old version on the server. */
  async compact(): Promise<void> {
    if (this.#deps.compact === undefined) throw new Error("the case does not say that it needs compaction");
    await this.#deps.compact();
  }

  /** A token of a ServiceAccount of the case that has run out. */
  async expiredToken(account: string): Promise<string> {
    if (this.#deps.expiredToken === undefined) throw new Error("the case does not say that it needs expired tokens");
    const { body } = await this.quietly("GET", this.path("serviceaccounts", account));
    return await this.#deps.expiredToken({ namespace: this.ns, name: account, uid: body.metadata?.uid ?? "" });
  }

  #record(method: string, path: string, body: unknown, answer: Answer, extras: Extras): void {
    const told = toldOf(answer.headers);
    this.entries.push({
      send: `${method} ${path}`,
      ...this.#who(),
      ...(extras.headers === undefined ? {} : { headers: extras.headers }),
      ...(body === undefined ? {} : { body: shortened(body) }),
      status: answer.status,
      ...(Object.keys(told).length === 0 ? {} : { told }),
      answer: extras.select && answer.status < 300 ? extras.select(answer.body) : answer.body,
    });
  }

  #who(): { as?: string } {
    return this.#identity === undefined ? {} : { as: this.#identity.name };
  }

  async #exchange(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>) {
    const reply = await this.#deps.http.send(this.#message(method, path, body, headers));
    return { status: reply.status, headers: reply.headers, body: parsed(reply) };
  }

  #message(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>): Message {
    const identity = this.#identity;
    const token = identity !== undefined && "token" in identity ? identity.token : this.#deps.token;
    return {
      method,
      path: this.#fill(path),
      headers: {
        ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
        ...(identity !== undefined && "headers" in identity ? identity.headers : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        accept: "application/json",
        ...headers,
      },
      body: body === undefined || typeof body === "string" ? body : this.#fill(JSON.stringify(body)),
    };
  }

  #fill(text: string): string {
    return text.replaceAll("{run}", this.#deps.names.run).replaceAll("{case}", this.id).replaceAll("{ns}", this.ns);
  }
}

/** The encoded query with its question mark, or nothing. */
function queryOf(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%3D", "=");
  return given.length === 0 ? "" : `?${given.map(([key, value]) => `${key}=${encode(String(value))}`).join("&")}`;
}

function parsed(reply: Reply): Doc {
  try {
    return JSON.parse(reply.text) as Doc;
  } catch {
    return { text: reply.text };
  }
}

function toldOf(headers: Reply["headers"]): Record<string, string> {
  const told: Record<string, string> = {};
  for (const name of toldHeaders) {
    const value = headers[name];
    if (value !== undefined && value !== "application/json") told[name] = String(value);
  }
  return told;
}

/** A body for the size limits would fill the golden file. */
function shortened(body: unknown): unknown {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return text.length > 20_000 ? `${text.length} characters` : body;
}
