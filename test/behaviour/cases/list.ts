import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { versionOf, widget } from "./objects.ts";

async function secrets(c: Session, ...names: string[]): Promise<void> {
  for (const name of names) await c.quietly("POST", c.path("secrets"), c.typed("secrets", { metadata: { name } }));
}

async function widgets(c: Session, ...names: string[]): Promise<void> {
  for (const name of names) await c.quietly("POST", c.path("widgets"), c.typed("widgets", widget(name)));
}

/** Pages of two until the end, or for a while if there is none. */
async function pages(c: Session, resource: "secrets" | "widgets"): Promise<void> {
  let page = await c.list(resource, { limit: 2 });
  for (let count = 1; page.body.metadata?.continue && count < 5; count++) {
    page = await c.list(resource, { limit: 2, continue: page.body.metadata.continue });
  }
}

/** Lists in pages, and lists of old and not so old versions. */
export const list = feature("list", {
  "an empty list": async (c) => {
    await c.list("secrets");
    await c.list("widgets");
  },
  "items come by name and without their kind": async (c) => {
    await secrets(c, "b", "c", "a");
    await c.list("secrets");
  },
  "custom objects come by name and with their kind": async (c) => {
    await widgets(c, "b", "c", "a");
    await c.list("widgets");
  },
  "pages until the end": async (c) => {
    await secrets(c, "a", "b", "c", "d", "e");
    await pages(c, "secrets");
  },
  "pages of custom objects until the end": async (c) => {
    await widgets(c, "a", "b", "c");
    await pages(c, "widgets");
  },
  "a limit that is just enough": async (c) => {
    await secrets(c, "a", "b");
    await c.list("secrets", { limit: 2 });
    await c.list("secrets", { limit: 3 });
    await c.list("secrets", { limit: 0 });
  },
  "what is created between two pages does not appear": async (c) => {
    await secrets(c, "a", "b", "d");
    const page = await c.list("secrets", { limit: 2 });
    await secrets(c, "c", "e");
    await c.list("secrets", { continue: page.body.metadata?.continue });
  },
  "what is deleted between two pages still appears": async (c) => {
    await secrets(c, "a", "b", "c", "d");
    const page = await c.list("secrets", { limit: 2 });
    await c.remove("secrets", "c");
    await c.list("secrets", { continue: page.body.metadata?.continue });
  },
  "what is changed between two pages appears as it was": async (c) => {
    await widgets(c, "a", "b", "c");
    const page = await c.list("widgets", { limit: 2 });
    await c.patch("widgets", "c", "merge", { spec: { size: 9 } });
    await c.list("widgets", { continue: page.body.metadata?.continue });
  },
  "all pages have one version": async (c) => {
    await secrets(c, "a", "b");
    const one = await c.list("secrets", { limit: 1 });
    await secrets(c, "c");
    const two = await c.list("secrets", { limit: 1, continue: one.body.metadata?.continue });
    c.remark("same version", versionOf(one) === versionOf(two));
  },
  "a page with another limit": async (c) => {
    await secrets(c, "a", "b", "c", "d");
    const page = await c.list("secrets", { limit: 1 });
    await c.list("secrets", { limit: 2, continue: page.body.metadata?.continue });
    await c.list("secrets", { limit: 10, continue: page.body.metadata?.continue });
  },
  "a page may be asked for twice": async (c) => {
    await secrets(c, "a", "b", "c");
    const page = await c.list("secrets", { limit: 1 });
    await c.list("secrets", { limit: 1, continue: page.body.metadata?.continue });
    await c.list("secrets", { limit: 1, continue: page.body.metadata?.continue });
  },
  "a selector and pages": async (c) => {
    for (const [name, on] of Object.entries({ a: "x", b: "y", c: "x", d: "y", e: "x" })) {
      await c.create("secrets", { metadata: { name, labels: { on } } });
    }
    const page = await c.list("secrets", { limit: 2, labelSelector: "on=x" });
    await c.list("secrets", { limit: 2, labelSelector: "on=x", continue: page.body.metadata?.continue });
  },
  "a continue token that is none": async (c) => {
    await c.list("secrets", { limit: 1, continue: "abc" });
    await c.list("widgets", { limit: 1, continue: "%%%" });
  },
  "a continue token and a version": async (c) => {
    await secrets(c, "a", "b");
    const page = await c.list("secrets", { limit: 1 });
    await c.list("secrets", { limit: 1, continue: page.body.metadata?.continue, resourceVersion: "100" });
  },
  "a continue token and resourceVersionMatch": async (c) => {
    await secrets(c, "a", "b");
    const page = await c.list("secrets", { limit: 1 });
    await c.list("secrets", { continue: page.body.metadata?.continue, resourceVersionMatch: "Exact" });
  },
  "a negative limit": async (c) => {
    await secrets(c, "a", "b");
    await c.list("secrets", { limit: -1 });
  },
  "a limit that is no number": async (c) => {
    await c.list("secrets", { limit: "many" });
  },
  "version 0 may be answered from memory": async (c) => {
    await secrets(c, "a");
    await c.list("secrets", { resourceVersion: "0", resourceVersionMatch: "NotOlderThan" });
    await c.list("secrets", { resourceVersion: "0" });
  },
  "not older than a version": async (c) => {
    await secrets(c, "a");
    const made = await c.create("secrets", { metadata: { name: "b" } });
    await c.list("secrets", { resourceVersion: versionOf(made), resourceVersionMatch: "NotOlderThan" });
  },
  "exactly a version": async (c) => {
    await secrets(c, "a");
    const made = await c.create("secrets", { metadata: { name: "b" } });
    await c.create("secrets", { metadata: { name: "c" } });
    await c.remove("secrets", "a");
    await c.list("secrets", { resourceVersion: versionOf(made), resourceVersionMatch: "Exact" });
    await c.list("secrets");
  },
  "exactly a version of custom objects": async (c) => {
    const made = await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await c.list("widgets", { resourceVersion: versionOf(made), resourceVersionMatch: "Exact" });
  },
  "exactly version 0 makes no sense": async (c) => {
    await c.list("secrets", { resourceVersion: "0", resourceVersionMatch: "Exact" });
    await c.list("secrets", { resourceVersionMatch: "Exact" });
    await c.list("secrets", { resourceVersion: "1", resourceVersionMatch: "Roughly" });
  },
  "a version that is no number": async (c) => {
    await c.list("secrets", { resourceVersion: "abc" });
    await c.list("widgets", { resourceVersion: "abc" });
  },
  "a single object not older than a version": async (c) => {
    const made = await c.create("secrets", { metadata: { name: "a" } });
    await c.get("secrets", "a", { query: { resourceVersion: versionOf(made) } });
    await c.get("secrets", "a", { query: { resourceVersion: "0" } });
    await c.get("secrets", "a", { query: { resourceVersion: "abc" } });
  },
  "lists are at least as new as what was written": async (c) => {
    const made = await c.create("secrets", { metadata: { name: "a" } });
    const listed = await c.list("secrets");
    c.remark("at least as new", BigInt(versionOf(listed)) >= BigInt(versionOf(made)));
  },
  "all namespaces": async (c) => {
    await c.create("secrets", { metadata: { name: "a", labels: { case: c.id } } });
    await c.list("secrets", { labelSelector: `case=${c.id}` }, { namespace: undefined });
    await c.create("widgets", widget("a", {}, { labels: { case: c.id } }));
    await c.list("widgets", { labelSelector: `case=${c.id}` }, { namespace: undefined });
  },
  "a namespace that does not exist is empty": async (c) => {
    await c.list("secrets", {}, { namespace: `no-${c.id}` });
    await c.get("secrets", "a", { namespace: `no-${c.id}` });
  },
});
