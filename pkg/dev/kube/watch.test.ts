import { expect, test } from "vitest";
import { ConfigMap } from "../../apis/core/index.ts";
import { ApiError, type WatchEvent } from "../../kube/client/index.ts";
import { type Served, served } from "./testing/served.ts";

const namespace = "default";
const make = ({ client }: Served, name: string, labels: Record<string, string> = {}) =>
  client.create(ConfigMap, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels } });

/** The first `count` events; the watch is ended afterwards. */
async function take(watch: AsyncIterable<WatchEvent<ConfigMap>>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { type, object } of watch) {
    seen.push(type === "BOOKMARK" ? type : `${type} ${object.metadata.name}`);
    if (seen.length === count) break;
  }
  return seen;
}

test("a watch goes on from a version without loss and without repetition", async () => {
  const it = await served();
  const first = await make(it, "a");
  await make(it, "b");
  await it.client.delete(ConfigMap, { name: "a", namespace });
  const { resourceVersion } = first.metadata;
  expect(await take(it.client.watch(ConfigMap, { namespace, resourceVersion }), 2)).toEqual(["ADDED b", "DELETED a"]);
});

test("a selector turns changes into additions and deletions", async () => {
  const it = await served();
  const { metadata } = await make(it, "a");
  const ref = { name: "a", namespace };
  for (const x of ["y", "z"])
    await it.client.patch(ConfigMap, ref, { type: "merge", body: { metadata: { labels: { x } } } });
  const options = { namespace, resourceVersion: metadata.resourceVersion, labelSelector: "x=y" };
  expect(await take(it.client.watch(ConfigMap, options), 2)).toEqual(["ADDED a", "DELETED a"]);
});

test("bookmarks tell a quiet watch how far it is", async () => {
  const it = await served({ bookmarkIntervalMs: 20 });
  const { metadata } = await make(it, "a");
  for await (const event of it.client.watch(ConfigMap, { ...metadata, namespace, allowBookmarks: true })) {
    expect(event.type).toBe("BOOKMARK");
    expect(Number(event.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(metadata.resourceVersion));
    break;
  }
});

test("a version from before the history is expired", async () => {
  const it = await served({ historyLimit: 2 });
  const { metadata } = await make(it, "a");
  for (let i = 0; i < 8; i++) await make(it, `more-${i}`);
  const watch = it.client.watch(ConfigMap, { namespace, resourceVersion: metadata.resourceVersion });
  const refusal = await take(watch, 1).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(refusal).toBeInstanceOf(ApiError);
  expect(refusal).toMatchObject({ status: 410, reason: "Expired" });
});

test("a cut watch ends without an event, others go on", async () => {
  const it = await served();
  let open = 0;
  const opened = Promise.withResolvers<void>();
  const onOpen = () => {
    open += 1;
    if (open === 2) opened.resolve();
  };
  const resourceVersion = (await make(it, "a")).metadata.resourceVersion;
  const cut = take(it.client.watch(ConfigMap, { namespace, resourceVersion, onOpen }), 1);
  const other = take(it.client.watch(ConfigMap, { resourceVersion, onOpen }), 1);
  await opened.promise;
  expect(it.kube.hooks.cutWatches({ namespace })).toBe(1);
  const ended = await cut.then(
    (seen) => seen,
    () => "broken",
  );
  expect([[], "broken"]).toContainEqual(ended);
  await make(it, "b");
  expect(await other).toEqual(["ADDED b"]);
});
