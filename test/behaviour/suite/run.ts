import { randomBytes } from "node:crypto";
import { type Access, accessOf } from "../../support/access.ts";
import type { ClusterInside } from "../../support/cluster.ts";
import { Http } from "../../support/http.ts";
import { type Case, type Need, titleOf } from "./case.ts";
import { fixtureCrds } from "./fixtures.ts";
import { normalise } from "./normalise.ts";
import { resources } from "./resources.ts";
import { Session } from "./session.ts";
import type { Recording, Transcript } from "./transcript.ts";

/** A server that cases are told to. */
export interface Target {
  readonly kubeconfigText: string;
  readonly inside?: ClusterInside | undefined;
}

/** A recording, and the cases that this server could not be asked, with the reason. */
export interface Run extends Recording {
  readonly notRun: Readonly<Record<string, string>>;
  /** Milliseconds per case. */
  readonly tookMs: Readonly<Record<string, number>>;
}

const parallel = 12;

/** Tells the cases to a server: those without needs side by side, the others one after another. */
export async function runCases(target: Target, cases: readonly Case[]): Promise<Run> {
  const access = accessOf(target.kubeconfigText);
  const http = new Http(access);
  const teller = new Teller(http, access, target.inside);
  try {
    await teller.prepare();
    const recorded: Record<string, Transcript> = {};
    const notRun: Record<string, string> = {};
    const tookMs: Record<string, number> = {};
    const free = cases.filter((case_) => case_.needs.length === 0);
    const record = async (case_: Case): Promise<void> => {
      const started = performance.now();
      recorded[titleOf(case_)] = await teller.tell(case_);
      tookMs[titleOf(case_)] = Math.round(performance.now() - started);
    };
    await Promise.all(workers(free, record));
    // Compaction disturbs whoever reads old versions, but not one another; a clock that is wrong disturbs everybody.
    const needing = (need: Need) => cases.filter(({ needs }) => needs.includes(need));
    for (const case_ of [...needing("compaction"), ...needing("expired tokens")]) {
      if (target.inside === undefined) notRun[titleOf(case_)] = `needs ${case_.needs.join(" and ")}`;
    }
    if (target.inside !== undefined) {
      await Promise.all(workers(needing("compaction"), record));
      for (const case_ of needing("expired tokens")) await record(case_);
    }
    const inOrder = cases.flatMap((case_) => {
      const transcript = recorded[titleOf(case_)];
      return transcript === undefined ? [] : [[titleOf(case_), transcript] as const];
    });
    return { serverVersion: await teller.version(), cases: Object.fromEntries(inOrder), notRun, tookMs };
  } finally {
    await teller.cleanUp();
    http.close();
  }
}

/** So many loops over one queue. */
function workers(cases: readonly Case[], work: (case_: Case) => Promise<void>): Promise<void>[] {
  const queue = [...cases];
  return Array.from({ length: parallel }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  });
}

class Teller {
  readonly #http: Http;
  readonly #access: Access;
  readonly #inside: ClusterInside | undefined;
  readonly #run = randomName();
  readonly #admin: Session;
  readonly #namespaces: string[] = [];

  constructor(http: Http, access: Access, inside: ClusterInside | undefined) {
    this.#http = http;
    this.#access = access;
    this.#inside = inside;
    this.#admin = this.#session("none");
  }

  /** Creates the suite's own kinds and waits until they are served. */
  async prepare(): Promise<void> {
    for (const crd of fixtureCrds) {
      await this.#expect(201, "POST", this.#admin.path("crds"), crd);
    }
    for (const resource of ["widgets", "gauges", "gadgets", "oldgadgets"] as const) {
      const path = this.#admin.path(resource, undefined, { namespace: undefined });
      await this.#admin.until(path, ({ status }) => status === 200);
    }
  }

  /** Runs one story in a namespace of its own; what it throws becomes part of its transcript. */
  async tell(case_: Case): Promise<Transcript> {
    const session = this.#session(randomName());
    await this.#expect(201, "POST", session.path("namespaces"), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: session.ns },
    });
    this.#namespaces.push(session.ns);
    try {
      await case_.tell(session);
    } catch (thrown) {
      session.remark("the story broke off", String(thrown));
    }
    return normalise(session.entries, { run: this.#run, case: session.id });
  }

  async version(): Promise<string> {
    const { body } = await this.#admin.quietly("GET", "/version");
    return String(body["gitVersion"]);
  }

  /** Takes away what other users of the server would meet; the server finishes in its own time. */
  async cleanUp(): Promise<void> {
    for (const name of this.#namespaces) {
      await this.#admin.quietly("DELETE", this.#admin.path("namespaces", name));
    }
    for (const { plural } of [resources.widgets, resources.gauges, resources.gadgets]) {
      await this.#admin.quietly("DELETE", this.#admin.path("crds", `${plural}.${this.#admin.group}`));
    }
  }

  #session(id: string): Session {
    return new Session({
      http: this.#http,
      token: this.#access.token,
      names: { run: this.#run, case: id },
      compact: this.#inside && (() => (this.#inside as ClusterInside).compact()),
      expiredToken: this.#inside && ((account) => (this.#inside as ClusterInside).expiredToken(account)),
    });
  }

  async #expect(status: number, method: string, path: string, body: unknown): Promise<void> {
    const answer = await this.#admin.quietly(method, path, body);
    if (answer.status !== status) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
  }
}

/** Letters only, so that it fits into every kind of name and looks like nothing else. */
function randomName(): string {
  return Array.from(randomBytes(8), (byte) => String.fromCharCode(97 + (byte % 26))).join("");
}
