import { setTimeout as sleep } from "node:timers/promises";
import {
  type Crd,
  CustomResourceDefinition,
  type Kind,
  type KubeObject,
  manifestOf,
  parseJson,
  stringifyJson,
} from "../../pkg/apis/schema/index.ts";
import { accessOf } from "./access.ts";
import type { Fixture } from "./crd-fixtures.ts";
import { Http } from "./http.ts";

/** What the server answered. */
interface Answer {
  readonly status: number;
  readonly body: KubeObject & {
    readonly message?: string;
    readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
  };
}

/** What became of a fixture: a refusal's message, or the object as the server keeps it. */
export type Outcome = { readonly refused: string } | { readonly stored: KubeObject };

/** Custom kinds on an API server: installs them and tries objects against them. */
export class CrdCluster {
  readonly #http: Http;
  readonly #headers: Record<string, string>;

  constructor(kubeconfig: string) {
    const { token, ...endpoint } = accessOf(kubeconfig);
    this.#http = new Http(endpoint);
    this.#headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  }

  close(): void {
    this.#http.close();
  }

  /** Installs a kind, or brings it up to date, and waits until the server serves it. */
  async install(crd: Crd): Promise<void> {
    const manifest = manifestOf(crd);
    const created = await this.#send("POST", pathOf(CustomResourceDefinition), manifest);
    if (created.status === 409) await this.#replaceManifest(manifest);
    else if (created.status !== 201) throw new Error(created.body.message);
    await this.#served(pathOf(crd, { namespace: "default" }));
  }

  /** Takes a kind away, with all its objects. */
  async remove(crd: Crd): Promise<void> {
    await this.#send("DELETE", pathOf(CustomResourceDefinition, manifestOf(crd).metadata));
  }

  /** Writes an object, new or in place of the one of its name, and leaves it there. */
  async put(crd: Crd, object: KubeObject): Promise<Outcome> {
    const path = pathOf(crd, object.metadata);
    const { status, body } = await this.#send("GET", path);
    const { resourceVersion = "" } = body.metadata;
    const written =
      status === 404
        ? await this.#send("POST", pathOf(crd, object.metadata, false), object)
        : await this.#send("PUT", path, { ...object, metadata: { ...object.metadata, resourceVersion } });
    return written.status < 300 ? { stored: written.body } : refusal(written);
  }

  /** Does to the server what the fixture says, and leaves nothing behind. */
  async attempt(crd: Crd, fixture: Fixture): Promise<Outcome> {
    const first = fixture.before ?? fixture.object;
    try {
      const created = await this.#send("POST", pathOf(crd, first.metadata, false), first);
      if (created.status !== 201) return refusal(created);
      if (fixture.before === undefined && !fixture.rule.startsWith("status.")) return { stored: created.body };
      const { resourceVersion = "" } = created.body.metadata;
      const object = { ...fixture.object, metadata: { ...fixture.object.metadata, resourceVersion } };
      const path = pathOf(crd, first.metadata) + (fixture.rule.startsWith("status.") ? "/status" : "");
      const updated = await this.#send("PUT", path, object);
      return updated.status === 200 ? { stored: updated.body } : refusal(updated);
    } finally {
      await this.#send("DELETE", pathOf(crd, first.metadata));
    }
  }

  async #replaceManifest(manifest: CustomResourceDefinition): Promise<void> {
    const path = pathOf(CustomResourceDefinition, manifest.metadata);
    const { body } = await this.#send("GET", path);
    const { resourceVersion = "" } = body.metadata;
    const updated = await this.#send("PUT", path, { ...manifest, metadata: { ...manifest.metadata, resourceVersion } });
    if (updated.status !== 200) throw new Error(updated.body.message);
  }

  /** A new kind is served a moment after its manifest is stored. */
  async #served(path: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if ((await this.#send("GET", path)).status === 200) return;
      await sleep(50);
    }
    throw new Error(`${path} is not served`);
  }

  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    const message = { method, path, headers: this.#headers };
    const reply = await this.#http.send(body === undefined ? message : { ...message, body: stringifyJson(body) });
    const type = reply.headers["content-type"] ?? "";
    if (!type.startsWith("application/json"))
      return { status: reply.status, body: { metadata: {}, message: reply.text } };
    return { status: reply.status, body: parseJson(reply.text) as Answer["body"] };
  }
}

/** A head and one line per cause, sorted: the server tells causes of several fields in no fixed order. */
function refusal({ status, body }: Answer): Outcome {
  const { message = "", details: { causes = [] } = {} } = body;
  if (status !== 422) throw new Error(`${status}: ${message}`);
  const lines = causes.map((each) => `${each.field}: ${each.message}`);
  const tail = lines.length === 1 ? `: ${lines[0]}` : `: [${lines.join(", ")}]`;
  if (!message.endsWith(tail)) throw new Error(`message and causes differ: ${message}; ${lines.join("; ")}`);
  return { refused: [message.slice(0, -tail.length), ...lines.sort()].join("\n") };
}

function pathOf(kind: Kind, place: { namespace?: string; name?: string } = {}, named = true): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced && place.namespace !== undefined ? `/namespaces/${place.namespace}` : "";
  return `${root}${scope}/${kind.plural}${named && place.name !== undefined ? `/${place.name}` : ""}`;
}
