import type { Catalog } from "../registry/catalog.ts";
import type { Call, Machine } from "../registry/context.ts";
import type { Writes } from "../registry/writes.ts";
import { keyOf } from "../storage/store.ts";
import { textAt } from "../wire/json.ts";
import type { News } from "./loop.ts";

/** Gives each namespace its default ServiceAccount and the certificate of the authority. */
export class AccountController {
  readonly #machine: Machine;
  readonly #catalog: Catalog;
  readonly #writes: Writes;
  readonly #caPem: string;
  readonly #call: Call;

  constructor(machine: Machine, catalog: Catalog, writes: Writes, caPem: string, call: Call) {
    this.#machine = machine;
    this.#catalog = catalog;
    this.#writes = writes;
    this.#caPem = caPem;
    this.#call = call;
  }

  step(news: News): void {
    if (!["namespaces", "serviceaccounts", "configmaps"].some((each) => news.touched("", each))) return;
    for (const { object } of this.#machine.store.collection("", "namespaces").list()) {
      if (textAt(object, "status", "phase") === "Terminating") continue;
      const namespace = textAt(object, "metadata", "name");
      this.#ensure("serviceaccounts", namespace, "default", {});
      this.#ensure("configmaps", namespace, "kube-root-ca.crt", { data: { "ca.crt": this.#caPem } });
    }
  }

  #ensure(
    plural: string,
    namespace: string,
    name: string,
    rest: { readonly data?: { readonly [key: string]: string } },
  ): void {
    if (this.#machine.store.collection("", plural).get(keyOf(namespace, name))) return;
    const resource = this.#catalog.find("", "v1", plural);
    if (resource === undefined) return;
    const annotations = { "kubernetes.io/description": rootDescription };
    const metadata = plural === "configmaps" ? { name, annotations } : { name };
    const { object } = resource.codec.read({ metadata, ...rest });
    this.#writes.create({ resource, strategy: resource.strategy, namespace }, object, this.#call);
  }
}

const rootDescription =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
