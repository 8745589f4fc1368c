import { feature } from "../suite/case.ts";
import { map, widget, withSpec } from "./objects.ts";

const trial = { query: { dryRun: "All" } };

/** Dry runs, and how strictly fields are looked at. */
export const trialAndStrictness = feature("trial", {
  "a creation on trial": async (c) => {
    await c.create("configmaps", map("a"), trial);
    await c.get("configmaps", "a");
    await c.create("widgets", widget("a"), trial);
    await c.get("widgets", "a");
  },
  "an update on trial": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", withSpec(body, { size: 2 }), trial);
    await c.get("widgets", "a");
  },
  "a patch on trial": async (c) => {
    await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "merge", { data: { k: "2" } }, trial);
    await c.get("configmaps", "a");
  },
  "a deletion on trial": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a", undefined, trial);
    await c.remove("configmaps", "a", { dryRun: ["All"] });
    await c.get("configmaps", "a");
  },
  "a trial is refused as the real thing": async (c) => {
    await c.create("configmaps", map("a"));
    await c.create("configmaps", map("a"), trial);
    await c.create("widgets", widget("a", { size: 0 }), trial);
  },
  "trials of another kind": async (c) => {
    await c.create("configmaps", map("a"), { query: { dryRun: "Some" } });
    await c.create("widgets", widget("a"), { query: { dryRun: "Some" } });
    await c.create("configmaps", map("a"), { query: { dryRun: "" } });
  },
  "a made-up name on trial": async (c) => {
    await c.create("secrets", { metadata: { generateName: "made-" } }, trial);
  },
  "unknown fields: warned about": async (c) => {
    const query = { query: { fieldValidation: "Warn" } };
    await c.create("configmaps", { ...map("a"), unknown: 1 }, query);
    await c.create("widgets", widget("a", { unknown: 1, nested: { x: 1 } }), query);
  },
  "unknown fields: refused": async (c) => {
    const query = { query: { fieldValidation: "Strict" } };
    await c.create("configmaps", { ...map("a"), unknown: 1 }, query);
    await c.create("widgets", widget("a", { unknown: 1, ports: [{ name: "a", x: 1 }] }), query);
  },
  "unknown fields: ignored": async (c) => {
    const query = { query: { fieldValidation: "Ignore" } };
    await c.create("configmaps", { ...map("a"), unknown: 1 }, query);
    await c.create("widgets", widget("a", { unknown: 1 }), query);
  },
  "unknown fields: what happens by default": async (c) => {
    await c.create("configmaps", { ...map("a"), unknown: 1 });
    await c.create("widgets", widget("a", { unknown: 1 }));
  },
  "unknown fields: in patches": async (c) => {
    await c.create("widgets", widget("a"));
    await c.create("configmaps", map("a"));
    for (const fieldValidation of ["Strict", "Warn"]) {
      await c.patch("widgets", "a", "merge", { spec: { unknown: 1 } }, { query: { fieldValidation } });
      await c.patch("configmaps", "a", "merge", { unknown: 1 }, { query: { fieldValidation } });
      await c.patch("configmaps", "a", "strategic", { unknown: 1 }, { query: { fieldValidation } });
      await c.patch("configmaps", "a", "json", [{ op: "add", path: "/unknown", value: 1 }], {
        query: { fieldValidation },
      });
    }
  },
  "fields that stand twice": async (c) => {
    const head = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1"},"data":{"k":"2"}}`;
    await c.send("POST", c.path("configmaps"), head, { query: { fieldValidation: "Strict" } });
    await c.send("POST", c.path("configmaps"), head, { query: { fieldValidation: "Warn" } });
    const custom = JSON.stringify(c.typed("widgets", widget("a"))).replace('"size":1', '"size":1,"size":2');
    await c.send("POST", c.path("widgets"), custom, { query: { fieldValidation: "Strict" } });
  },
  "strictness of another kind": async (c) => {
    await c.create("configmaps", map("a"), { query: { fieldValidation: "Sometimes" } });
    await c.create("widgets", widget("a"), { query: { fieldValidation: "Sometimes" } });
  },
  "field names are case-sensitive": async (c) => {
    await c.create("configmaps", { metadata: { name: "a" }, Data: { k: "1" } });
    await c.create("widgets", { metadata: { name: "a" }, spec: { Size: 1 } });
  },
});
