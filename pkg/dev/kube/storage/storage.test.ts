import { describe, expect, test } from "vitest";
import { keyOf, Store } from "./store.ts";

const object = (revision: number) => ({ metadata: { resourceVersion: String(revision) } });

describe("a collection", () => {
  test("keeps order by key and one counter for everything", () => {
    const store = new Store(10);
    const maps = store.collection("", "configmaps");
    for (const name of ["b", "a", "a-b"]) maps.put(keyOf("ns", name), object);
    store.collection("", "secrets").put(keyOf("ns", "s"), object);
    expect(maps.list("ns/").map(({ key }) => key)).toEqual(["ns/a", "ns/a-b", "ns/b"]);
    expect(maps.put(keyOf("ns", "a"), object).revision).toBe(store.revisions.current);
  });

  test("tells what was at an earlier version, as long as history reaches", () => {
    const store = new Store(3);
    const maps = store.collection("", "configmaps");
    const first = maps.put("ns/a", object).revision;
    maps.put("ns/b", object);
    maps.remove("ns/a");
    expect(maps.listAt(first, "ns/")).toHaveLength(1);
    expect(maps.since(first)?.map(({ key, object: now }) => [key, now === undefined])).toEqual([
      ["ns/b", false],
      ["ns/a", true],
    ]);
    for (let i = 0; i < 6; i++) maps.put("ns/c", object);
    expect(maps.since(first)).toBeUndefined();
    expect(maps.listAt(first, "ns/")).toBeUndefined();
  });

  test("tells listeners every change until they stop", () => {
    const maps = new Store(3).collection("", "configmaps");
    const seen: string[] = [];
    const stop = maps.listen(({ key }) => seen.push(key));
    maps.put("a", object);
    maps.remove("a");
    stop();
    maps.put("b", object);
    expect(seen).toEqual(["a", "a"]);
  });
});
