import { feature } from "../suite/case.ts";
import { map, versionOf, widget, withMeta, withSpec } from "./objects.ts";

/** Two writers of one object. */
export const conflict = feature("conflict", {
  "an update with an old version is refused": async (c) => {
    const { body } = await c.create("configmaps", map("a"));
    await c.update("configmaps", { ...body, data: { k: "2" } });
    await c.update("configmaps", { ...body, data: { k: "3" } });
    await c.get("configmaps", "a");
  },
  "an update of a custom object with an old version is refused": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", withSpec(body, { size: 2 }));
    await c.update("widgets", withSpec(body, { size: 3 }));
    await c.get("widgets", "a");
  },
  "an update without a version wins, where the kind allows it": async (c) => {
    await c.create("configmaps", map("a"));
    await c.update("configmaps", map("a", { k: "2" }));
    await c.get("configmaps", "a");
  },
  "an update of a custom object needs a version": async (c) => {
    await c.create("widgets", widget("a"));
    await c.update("widgets", widget("a", { size: 2 }));
  },
  "an update of a Lease needs a version": async (c) => {
    await c.create("leases", { metadata: { name: "a" }, spec: { holderIdentity: "x" } });
    await c.update("leases", { metadata: { name: "a" }, spec: { holderIdentity: "y" } });
  },
  "an update with another uid is refused": async (c) => {
    const { body } = await c.create("configmaps", map("a"));
    await c.update("configmaps", withMeta(body, { uid: "11111111-2222-3333-4444-555555555555" }));
  },
  "an update with another uid of a custom object is refused": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", withMeta(body, { uid: "11111111-2222-3333-4444-555555555555" }));
  },
  "an update of what does not exist": async (c) => {
    await c.update("configmaps", map("a"));
    await c.update("widgets", widget("a", {}, { resourceVersion: "1" }));
    await c.update("secrets", { metadata: { name: "a", resourceVersion: "1" } });
  },
  "an update of what was deleted and made again": async (c) => {
    const { body } = await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a");
    await c.create("configmaps", map("a", { k: "new" }));
    await c.update("configmaps", { ...body, data: { k: "old" } });
  },
  "the name in the body must be the one in the path": async (c) => {
    const { body } = await c.create("configmaps", map("a"));
    await c.send("PUT", c.path("configmaps", "a"), withMeta(body, { name: "b" }));
    await c.send("PUT", c.path("configmaps", "b"), body);
  },
  "the name of a custom object must be the one in the path": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.send("PUT", c.path("widgets", "a"), withMeta(body, { name: "b" }));
  },
  "the namespace in the body must be the one in the path": async (c) => {
    await c.create("configmaps", map("a", {}, { namespace: "elsewhere" }));
    const { body } = await c.create("configmaps", map("a"));
    await c.send("PUT", c.path("configmaps", "a"), withMeta(body, { namespace: "elsewhere" }));
  },
  "the namespace of a custom object must be the one in the path": async (c) => {
    await c.create("widgets", widget("a", {}, { namespace: "elsewhere" }));
  },
  "creating what exists": async (c) => {
    await c.create("configmaps", map("a"));
    await c.create("configmaps", map("a", { k: "2" }));
    await c.create("widgets", widget("a"));
    await c.create("widgets", widget("a", { size: 2 }));
  },
  "creating with a version": async (c) => {
    await c.create("configmaps", map("a", {}, { resourceVersion: "5" }));
    await c.create("widgets", widget("a", {}, { resourceVersion: "5" }));
  },
  "creating with a uid of one's own": async (c) => {
    const { body } = await c.create("configmaps", map("a", {}, { uid: "11111111-2222-3333-4444-555555555555" }));
    c.remark("the server chose another", body.metadata?.uid !== "11111111-2222-3333-4444-555555555555");
  },
  "an update that changes nothing keeps the version": async (c) => {
    const first = await c.create("configmaps", map("a"));
    const second = await c.update("configmaps", first.body);
    c.remark("same version", versionOf(first) === versionOf(second));
  },
  "an update of a custom object that changes nothing keeps the version": async (c) => {
    const first = await c.create("widgets", widget("a"));
    const second = await c.update("widgets", first.body);
    c.remark("same version", versionOf(first) === versionOf(second));
  },
  "a patch that changes nothing keeps the version": async (c) => {
    const first = await c.create("widgets", widget("a"));
    const second = await c.patch("widgets", "a", "merge", { spec: { size: 1 } });
    c.remark("same version", versionOf(first) === versionOf(second));
  },
  "versions grow": async (c) => {
    const first = await c.create("configmaps", map("a"));
    const second = await c.create("widgets", widget("a"));
    const third = await c.patch("configmaps", "a", "merge", { data: { k: "2" } });
    c.remark("second is newer", BigInt(versionOf(second)) > BigInt(versionOf(first)));
    c.remark("third is newer", BigInt(versionOf(third)) > BigInt(versionOf(second)));
  },
  "a merge patch with an old version is refused": async (c) => {
    const first = await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "merge", { data: { k: "2" } });
    await c.patch("configmaps", "a", "merge", { metadata: { resourceVersion: versionOf(first) }, data: { k: "3" } });
  },
  "a merge patch of a custom object with an old version is refused": async (c) => {
    const first = await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await c.patch("widgets", "a", "merge", { metadata: { resourceVersion: versionOf(first) }, spec: { size: 3 } });
  },
  "a strategic patch with an old version is refused": async (c) => {
    const first = await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "strategic", { data: { k: "2" } });
    await c.patch("configmaps", "a", "strategic", {
      metadata: { resourceVersion: versionOf(first) },
      data: { k: "3" },
    });
  },
  "a patch with the present version passes": async (c) => {
    const first = await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { metadata: { resourceVersion: versionOf(first) }, spec: { size: 3 } });
  },
  "a patch with a version that is no number": async (c) => {
    await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "merge", { metadata: { resourceVersion: "abc" }, data: { k: "2" } });
    await c.update("configmaps", map("a", {}, { resourceVersion: "abc" }));
  },
  "a patch with another uid is refused": async (c) => {
    await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "merge", { metadata: { uid: "11111111-2222-3333-4444-555555555555" } });
  },
  "a status update with an old version is refused": async (c) => {
    const first = await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await c.update("widgets", { ...first.body, status: { ready: true } }, { subresource: "status" });
  },
});
