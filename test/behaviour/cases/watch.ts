import { feature } from "../suite/case.ts";
import type { WatchLine } from "../suite/watcher.ts";
import { map, versionOf, widget } from "./objects.ts";

const bookmarks = { allowWatchBookmarks: true };

function bookmarked(events: readonly WatchLine[]): boolean {
  return events.some(({ type }) => type === "BOOKMARK");
}

/** Streams of changes. Secrets serve where nothing else may appear in the namespace. */
export const watch = feature("watch", {
  "without a version it starts with what is there": async (c) => {
    await c.create("secrets", { metadata: { name: "a" } });
    await c.watch("secrets", {}, async (w) => {
      await w.seen(1);
      await c.create("secrets", { metadata: { name: "b" } });
      await w.seen(2);
    });
  },
  "version 0 starts with what is there": async (c) => {
    await c.create("widgets", widget("a"));
    await c.watch("widgets", { resourceVersion: "0" }, async (w) => {
      await w.seen(1);
      await c.remove("widgets", "a");
      await w.seen(2);
    });
  },
  "from a version it shows every change after it, in order": async (c) => {
    const first = await c.create("secrets", { metadata: { name: "a" } });
    await c.patch("secrets", "a", "merge", { type: "Opaque", metadata: { labels: { n: "2" } } });
    await c.create("secrets", { metadata: { name: "b" } });
    await c.remove("secrets", "a");
    await c.watch("secrets", { resourceVersion: versionOf(first) }, async (w) => {
      await w.seen(3);
      await c.remove("secrets", "b");
      await w.seen(4);
    });
  },
  "from a version of custom objects": async (c) => {
    const first = await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await c.patch("widgets", "a", "merge", { status: { ready: true } }, { subresource: "status" });
    await c.remove("widgets", "a");
    await c.watch("widgets", { resourceVersion: versionOf(first) }, async (w) => await w.seen(3));
  },
  "from the version of a list nothing is lost between them": async (c) => {
    await c.create("widgets", widget("a"));
    const list = await c.list("widgets");
    await c.create("widgets", widget("b"));
    await c.watch("widgets", { resourceVersion: versionOf(list) }, async (w) => await w.seen(1));
  },
  "a resumed watch repeats nothing": async (c) => {
    await c.create("widgets", widget("a"));
    let last = "";
    await c.watch("widgets", {}, async (w) => {
      await c.create("widgets", widget("b"));
      await w.seen(2);
      last = w.events.at(-1)?.object.metadata?.resourceVersion ?? "";
    });
    await c.create("widgets", widget("c"));
    await c.watch("widgets", { resourceVersion: last }, async (w) => await w.seen(1));
  },
  "the object in a DELETED event has the version of the deletion": async (c) => {
    const made = await c.create("widgets", widget("a"));
    await c.watch("widgets", { resourceVersion: versionOf(made) }, async (w) => {
      await c.remove("widgets", "a");
      await w.seen(1);
      const after = w.events[0]?.object.metadata?.resourceVersion ?? "0";
      c.remark("newer than the object was", BigInt(after) > BigInt(versionOf(made)));
    });
  },
  "a finalizer shows deletion in two steps": async (c) => {
    const made = await c.create("widgets", widget("a", {}, { finalizers: ["example.com/hold"] }));
    await c.watch("widgets", { resourceVersion: versionOf(made) }, async (w) => {
      await c.remove("widgets", "a");
      await c.patch("widgets", "a", "merge", { metadata: { finalizers: null } });
      await w.seen(2);
    });
  },
  "a change that changes nothing is no event": async (c) => {
    const made = await c.create("widgets", widget("a"));
    await c.watch("widgets", { resourceVersion: versionOf(made) }, async (w) => {
      await c.patch("widgets", "a", "merge", { spec: { size: 1 } });
      await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
      await w.seen(1);
    });
  },
  "a label selector turns changes into additions and deletions": async (c) => {
    const made = await c.create("secrets", { metadata: { name: "a", labels: { on: "no" } } });
    await c.watch("secrets", { resourceVersion: versionOf(made), labelSelector: "on=yes" }, async (w) => {
      await c.patch("secrets", "a", "merge", { metadata: { labels: { on: "yes" } } });
      await c.patch("secrets", "a", "merge", { metadata: { labels: { more: "x" } } });
      await c.patch("secrets", "a", "merge", { metadata: { labels: { on: "no" } } });
      await c.patch("secrets", "a", "merge", { metadata: { labels: { on: "yes" } } });
      await c.remove("secrets", "a");
      await w.seen(5);
    });
  },
  "a field selector watches one object": async (c) => {
    await c.watch("widgets", { fieldSelector: "metadata.name=b" }, async (w) => {
      await c.create("widgets", widget("a"));
      await c.create("widgets", widget("b"));
      await w.seen(1);
    });
  },
  "a selectable field of a custom object": async (c) => {
    const made = await c.create("widgets", widget("a", { mode: "Slow" }));
    await c.watch("widgets", { resourceVersion: versionOf(made), fieldSelector: "spec.mode=Fast" }, async (w) => {
      await c.patch("widgets", "a", "merge", { spec: { mode: "Fast" } });
      await c.patch("widgets", "a", "merge", { spec: { mode: "Slow" } });
      await w.seen(2);
    });
  },
  "the watch of a single object": async (c) => {
    await c.create("configmaps", map("a"));
    await c.watch("configmaps", { fieldSelector: "metadata.name=a" }, async (w) => {
      await w.seen(1);
      await c.patch("configmaps", "a", "merge", { data: { k: "2" } });
      await w.seen(2);
    });
  },
  "only the namespace that is watched": async (c) => {
    await c.watch("widgets", {}, async (w) => {
      await c.quietly("POST", c.path("widgets", undefined, { namespace: "default" }), c.typed("widgets", widget(c.id)));
      await c.create("widgets", widget("here"));
      await w.seen(1);
      await c.quietly("DELETE", c.path("widgets", c.id, { namespace: "default" }));
    });
  },
  "all namespaces": async (c) => {
    await c.watch(
      "widgets",
      { labelSelector: `case=${c.id}` },
      async (w) => {
        await c.create("widgets", widget("a", {}, { labels: { case: c.id } }));
        await w.seen(1);
      },
      { namespace: undefined },
    );
  },
  "the server ends it when its time is over": async (c) => {
    await c.create("widgets", widget("a"));
    await c.watch("widgets", { timeoutSeconds: 1 }, async (w) => await w.end());
  },
  "bookmarks come to those who ask": async (c) => {
    const made = await c.create("secrets", { metadata: { name: "a" } });
    await c.watch("secrets", { resourceVersion: versionOf(made), timeoutSeconds: 4, ...bookmarks }, async (w) => {
      await w.until(bookmarked);
      const mark = w.events.find(({ type }) => type === "BOOKMARK")?.object.metadata?.resourceVersion ?? "0";
      c.remark("not older than what was asked for", BigInt(mark) >= BigInt(versionOf(made)));
    });
  },
  "bookmarks of custom objects": async (c) => {
    const made = await c.create("widgets", widget("a"));
    await c.watch("widgets", { resourceVersion: versionOf(made), timeoutSeconds: 4, ...bookmarks }, async (w) => {
      await w.until(bookmarked);
    });
  },
  "a watch can be resumed from a bookmark": async (c) => {
    const made = await c.create("widgets", widget("a"));
    let mark = "";
    await c.watch("widgets", { resourceVersion: versionOf(made), timeoutSeconds: 4, ...bookmarks }, async (w) => {
      await w.until(bookmarked);
      mark = w.events.find(({ type }) => type === "BOOKMARK")?.object.metadata?.resourceVersion ?? "";
    });
    await c.create("widgets", widget("b"));
    await c.watch("widgets", { resourceVersion: mark }, async (w) => await w.seen(1));
  },
  "initial events end with a bookmark": async (c) => {
    await c.create("widgets", widget("a"));
    const query = { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan", ...bookmarks };
    await c.watch("widgets", query, async (w) => {
      await w.until(bookmarked);
      await c.create("widgets", widget("b"));
      await w.seen(2);
    });
  },
  "initial events need resourceVersionMatch": async (c) => {
    await c.list("widgets", { watch: true, sendInitialEvents: true, allowWatchBookmarks: true });
    await c.list("widgets", { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" });
  },
  "a version that is no number": async (c) => {
    await c.list("secrets", { watch: true, resourceVersion: "abc" });
    await c.list("widgets", { watch: true, resourceVersion: "abc" });
  },
  "a version from before the history": async (c) => {
    await c.create("widgets", widget("a"));
    await c.watch("widgets", { resourceVersion: "1" }, async (w) => await w.end());
  },
  "resourceVersionMatch has no meaning to a watch": async (c) => {
    await c.list("secrets", { watch: true, resourceVersion: "1", resourceVersionMatch: "Exact" });
  },
  "bad selectors": async (c) => {
    await c.list("secrets", { watch: true, labelSelector: "a in (" });
    await c.list("secrets", { watch: true, fieldSelector: "spec.nothing=x" });
  },
  "a kind that is not there": async (c) => {
    await c.send("GET", `/apis/${c.group}/v1/namespaces/${c.ns}/gizmos?watch=true`);
  },
  "events as table rows": async (c) => {
    await c.create("widgets", widget("a"));
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    await c.watch(
      "widgets",
      {},
      async (w) => {
        await w.seen(1);
        await c.create("widgets", widget("b"));
        await w.seen(2);
      },
      { headers: { accept } },
    );
  },
  "the old path with watch in it": async (c) => {
    await c.create("secrets", { metadata: { name: "a" } });
    await c.list("secrets", { watch: "0" });
    await c.list("secrets", { watch: "false" });
  },
  "all versions of a kind are one stream": async (c) => {
    const label = { labels: { case: c.id } };
    await c.watch("oldgadgets", { labelSelector: `case=${c.id}` }, async (w) => {
      await c.create("gadgets", { metadata: { name: `g-${c.id}`, ...label }, spec: { size: 1 } });
      await w.seen(1);
    });
    await c.remove("gadgets", `g-${c.id}`);
  },
});

/** A real server looks every fifteen seconds whether to drop its snapshots. */
const forgetMs = 20_000;

/** Old versions that the server has forgotten. */
export const expiry = feature(
  "expiry",
  {
    "a watch from a forgotten version": async (c) => {
      const made = await c.create("widgets", widget("a"));
      await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
      c.remark("version was there", versionOf(made) !== "none");
      await c.compact();
      await c.watch("widgets", { resourceVersion: "1" }, async (w) => await w.end());
      await c.watch("widgets", {}, async (w) => await w.seen(1));
    },
    "a list at a forgotten version": async (c) => {
      const made = await c.create("widgets", widget("a"));
      await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
      await c.compact();
      await c.until(c.path("widgets"), ({ status }) => status === 410, {
        query: { resourceVersion: versionOf(made), resourceVersionMatch: "Exact" },
        withinMs: forgetMs,
      });
    },
    "the rest of a list at a forgotten version": async (c) => {
      for (const name of ["a", "b", "c"]) await c.create("secrets", { metadata: { name } });
      const page = await c.list("secrets", { limit: 1 });
      await c.patch("secrets", "a", "merge", { metadata: { labels: { n: "2" } } });
      await c.compact();
      const query = { limit: 1, continue: page.body.metadata?.continue };
      const answer = await c.until(c.path("secrets"), ({ status }) => status === 410, { query, withinMs: forgetMs });
      await c.list("secrets", { limit: 1, continue: answer.body.metadata?.continue });
    },
  },
  ["compaction"],
);
