import { feature } from "../suite/case.ts";
import type { Answer, Session } from "../suite/session.ts";
import { widget } from "./objects.ts";

const labelled = {
  a: { app: "db", tier: "back" },
  b: { app: "web", tier: "front" },
  c: { app: "web" },
  d: {},
};

async function someSecrets(c: Session): Promise<void> {
  for (const [name, labels] of Object.entries(labelled)) {
    await c.quietly("POST", c.path("secrets"), c.typed("secrets", { metadata: { name, labels } }));
  }
}

async function someWidgets(c: Session): Promise<void> {
  for (const [name, spec] of Object.entries({ a: { size: 1, mode: "Fast" }, b: { size: 2 }, c: { size: 2 } })) {
    await c.quietly("POST", c.path("widgets"), c.typed("widgets", widget(name, spec)));
  }
}

const names = (body: Answer["body"]) => body.items?.map((item) => item.metadata?.name);

const labelSelectors = {
  equality: ["app=web", "app==web", "app!=web", "app=web,tier=front", "app=nothing"],
  sets: ["app in (web,db)", "app notin (web)", "tier in (front)", "app in (web),tier notin (front)"],
  existence: ["tier", "!tier", "app,!tier"],
  "odd ones": ["", ",", "app=", "app!=", "app in ()", "x"],
  "numbers in them": ["app>1", "app<1", "app>x"],
  "broken ones": ["app in (web", "app in web", "=web", "app=web=x", "a b", "app=-bad-", "/x=y", "Ü=1"],
};

/** Labels and fields that choose. */
export const selector = feature("selector", {
  ...Object.fromEntries(
    Object.entries(labelSelectors).map(([name, selectors]) => [
      `labels: ${name}`,
      async (c: Session) => {
        await someSecrets(c);
        for (const labelSelector of selectors) await c.list("secrets", { labelSelector }, { select: names });
      },
    ]),
  ),
  "labels of custom objects": async (c) => {
    await c.create("widgets", widget("a", {}, { labels: { on: "yes" } }));
    await c.create("widgets", widget("b"));
    await c.list("widgets", { labelSelector: "on=yes" }, { select: names });
    await c.list("widgets", { labelSelector: "!on" }, { select: names });
    await c.list("widgets", { labelSelector: "on in (" }, { select: names });
  },
  "fields: name and namespace": async (c) => {
    await someSecrets(c);
    for (const fieldSelector of [
      "metadata.name=a",
      "metadata.name!=a",
      "metadata.name=a,metadata.name=b",
      `metadata.namespace=${c.ns}`,
      "metadata.namespace=elsewhere",
    ]) {
      await c.list("secrets", { fieldSelector }, { select: names });
    }
  },
  "fields: type of a Secret": async (c) => {
    await someSecrets(c);
    await c.list("secrets", { fieldSelector: "type=Opaque" }, { select: names });
    await c.list("secrets", { fieldSelector: "type!=Opaque" }, { select: names });
  },
  "fields: unknown ones": async (c) => {
    await c.list("secrets", { fieldSelector: "spec.nothing=x" });
    await c.list("configmaps", { fieldSelector: "data.k=x" });
    await c.list("widgets", { fieldSelector: "spec.flag=true" });
    await c.list("leases", { fieldSelector: "spec.holderIdentity=x" });
  },
  "fields: broken ones": async (c) => {
    await c.list("secrets", { fieldSelector: "metadata.name" });
    await c.list("secrets", { fieldSelector: "=x" });
    await c.list("secrets", { fieldSelector: "metadata.name in (a)" });
  },
  "fields: selectable ones of custom objects": async (c) => {
    await someWidgets(c);
    await c.list("widgets", { fieldSelector: "spec.mode=Fast" }, { select: names });
    await c.list("widgets", { fieldSelector: "spec.mode!=Fast" }, { select: names });
    await c.list("widgets", { fieldSelector: "spec.size=2" }, { select: names });
    await c.list("widgets", { fieldSelector: "spec.size=2,metadata.name=c" }, { select: names });
    await c.list("widgets", { fieldSelector: "metadata.name=b" }, { select: names });
  },
  "fields: name of a custom object": async (c) => {
    await someWidgets(c);
    await c.list("widgets", { fieldSelector: "metadata.name!=b" }, { select: names });
    await c.list("widgets", { fieldSelector: `metadata.namespace=${c.ns}` }, { select: names });
  },
  "fields: events by what they are about": async (c) => {
    const about = (name: string) => ({
      metadata: { name: `e-${name}` },
      involvedObject: { kind: "Pod", name, namespace: c.ns },
      reason: "Test",
      type: "Normal",
    });
    await c.create("coreevents", about("a"));
    await c.create("coreevents", about("b"));
    await c.list("coreevents", { fieldSelector: "involvedObject.name=a" }, { select: names });
    await c.list("coreevents", { fieldSelector: "reason=Test,type=Normal" }, { select: names });
    await c.list("coreevents", { fieldSelector: "involvedObject.color=red" });
  },
  "fields: pods and namespaces by phase": async (c) => {
    const pod = { metadata: { name: "a" }, spec: { containers: [{ name: "c", image: "i" }] } };
    await c.quietly("POST", c.path("pods"), c.typed("pods", pod));
    await c.list("pods", { fieldSelector: "status.phase=Pending" }, { select: names });
    await c.list("pods", { fieldSelector: "spec.nodeName=" }, { select: names });
    await c.list("pods", { fieldSelector: "spec.nodeName=x" }, { select: names });
    await c.list("namespaces", { fieldSelector: `metadata.name=${c.ns},status.phase=Active` }, { select: names });
  },
  "a selector on deletecollection": async (c) => {
    await someWidgets(c);
    await c.removeAll("widgets", { fieldSelector: "metadata.name=a" });
    await c.list("widgets", {}, { select: names });
    await c.removeAll("widgets", { labelSelector: "in in in" });
  },
});
