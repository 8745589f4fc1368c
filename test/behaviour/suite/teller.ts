import { randomBytes } from "node:crypto";
import type { Access } from "../../support/access.ts";
import type { ClusterInside } from "../../support/cluster.ts";
import type { Http } from "../../support/http.ts";
import type { Case } from "./case.ts";
import { fixtureCrds, productCrds } from "./fixtures.ts";
import { normalise } from "./normalise.ts";
import { resources } from "./resources.ts";
import { Session } from "./session.ts";
import type { Transcript } from "./transcript.ts";

/** What a teller is built from. */
export interface TellerDeps {
  readonly http: Http;
  readonly access: Access;
  readonly inside?: ClusterInside | undefined;
  /** Longest wait for what does not come, milliseconds; what a case says by default. */
  readonly patienceMs?: number | undefined;
}

const ownResources = ["widgets", "gauges", "gadgets", "oldgadgets"] as const;
const productResources = ["services", "snapshots", "contents", "snapshotclasses"] as const;

/** Tells cases to one server under names that no other run uses. */
export class Teller {
  readonly #deps: TellerDeps;
  readonly #run = randomName();
  readonly #admin: Session;
  readonly #namespaces: string[] = [];

  constructor(deps: TellerDeps) {
    this.#deps = deps;
    this.#admin = this.#session("none");
  }

  /** Creates the suite's own kinds and, where a case is about them, the product's; waits until they are served. */
  async prepare(cases: readonly Case[]): Promise<void> {
    const ofProduct = cases.some(({ feature }) => feature === "product");
    const definitions = this.#admin.path("crds");
    for (const crd of fixtureCrds) await this.#expect([201], "POST", definitions, crd);
    for (const crd of ofProduct ? productCrds() : []) await this.#expect([201, 409], "POST", definitions, crd);
    for (const resource of [...ownResources, ...(ofProduct ? productResources : [])]) {
      const path = this.#admin.path(resource, undefined, { namespace: undefined });
      await this.#admin.until(path, ({ status }) => status === 200);
    }
  }

  /** Runs one story in a namespace of its own; what it throws becomes part of its transcript. */
  async tell(case_: Case): Promise<Transcript> {
    const session = this.#session(randomName());
    await this.#expect([201], "POST", session.path("namespaces"), {
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

  /** Takes away all but the product's kinds, which others may use; the server finishes in its own time. */
  async cleanUp(): Promise<void> {
    const remove = (name: string) => this.#admin.quietly("DELETE", this.#admin.path("namespaces", name));
    await Promise.all(this.#namespaces.map(remove));
    for (const { plural } of [resources.widgets, resources.gauges, resources.gadgets]) {
      await this.#admin.quietly("DELETE", this.#admin.path("crds", `${plural}.${this.#admin.group}`));
    }
  }

  #session(id: string): Session {
    const { http, access, inside, patienceMs } = this.#deps;
    return new Session({
      http,
      token: access.token,
      names: { run: this.#run, case: id },
      patienceMs,
      compact: inside && (() => inside.compact()),
      expiredToken: inside && ((account) => inside.expiredToken(account)),
    });
  }

  async #expect(statuses: readonly number[], method: string, path: string, body: unknown): Promise<void> {
    const answer = await this.#admin.quietly(method, path, body);
    if (!statuses.includes(answer.status)) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
  }
}

/** Letters only, so that it fits into every kind of name and looks like nothing else. */
function randomName(): string {
  return Array.from(randomBytes(8), (byte) => String.fromCharCode(97 + (byte % 26))).join("");
}
