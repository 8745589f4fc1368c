import { stringifyJson } from "../../../pkg/apis/schema/index.ts";
import { type Fixture, fixturesOf } from "../../support/crd-fixtures.ts";
import { feature, type Story } from "../suite/case.ts";
import type { ResourceName } from "../suite/resources.ts";
import type { Session } from "../suite/session.ts";

const kinds = {
  snapshotmetadataservice: "services",
  volumesnapshot: "snapshots",
  volumesnapshotcontent: "contents",
  volumesnapshotclass: "snapshotclasses",
} as const satisfies Record<string, ResourceName>;

/** Tells one example of a rule: what is sent, or what is there before and what it is changed to. */
async function tell(c: Session, resource: ResourceName, fixture: Fixture, index: number): Promise<void> {
  const name = `f${index}-${c.id}.example.com`;
  const named = (object: Fixture["object"], metadata: object = {}) =>
    stringifyJson({ ...object, metadata: { ...object.metadata, namespace: undefined, name, ...metadata } });
  const place = fixture.rule.startsWith("status.") ? { subresource: "status" } : {};
  const first = await c.send("POST", c.path(resource), named(fixture.before ?? fixture.object));
  const { resourceVersion } = first.body.metadata ?? {};
  const isChange = fixture.before !== undefined || place.subresource !== undefined;
  if (isChange && first.status === 201) {
    if (place.subresource !== undefined && fixture.before !== undefined) {
      const before = await c.send("PUT", c.path(resource, name, place), named(fixture.before, { resourceVersion }));
      const version = before.body.metadata?.resourceVersion ?? resourceVersion;
      await c.send("PUT", c.path(resource, name, place), named(fixture.object, { resourceVersion: version }));
    } else {
      await c.send("PUT", c.path(resource, name, place), named(fixture.object, { resourceVersion }));
    }
  }
  await c.quietly("DELETE", c.path(resource, name));
}

/** One story per rule of a kind. */
function storiesOf(kind: keyof typeof kinds): Record<string, Story> {
  const byRule = Map.groupBy(fixturesOf(kind), ({ rule }) => rule);
  return Object.fromEntries(
    [...byRule].map(([rule, fixtures]) => [
      `${kind}: ${rule}`,
      async (c: Session) => {
        for (const [index, fixture] of fixtures.entries()) await tell(c, kinds[kind], fixture, index);
      },
    ]),
  );
}

/** The kinds that the product brings along, by the examples of their rules. */
export const product = feature("product", {
  ...storiesOf("snapshotmetadataservice"),
  ...storiesOf("volumesnapshot"),
  ...storiesOf("volumesnapshotcontent"),
  ...storiesOf("volumesnapshotclass"),
  "tables of snapshots": async (c) => {
    const source = { persistentVolumeClaimName: "claim" };
    await c.create("snapshots", { metadata: { name: "a" }, spec: { source, volumeSnapshotClassName: "fast" } });
    const status = { readyToUse: true, restoreSize: "1Gi", boundVolumeSnapshotContentName: "content" };
    await c.patch("snapshots", "a", "merge", { status }, { subresource: "status" });
    const headers = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    await c.list("snapshots", {}, { headers });
  },
  "resources of the groups": async (c) => {
    // The order in which the definitions came to be known is a matter of chance.
    const select = (body: object) =>
      (body as { resources: { name: string }[] }).resources.toSorted((a, b) => a.name.localeCompare(b.name));
    await c.send("GET", "/apis/snapshot.storage.k8s.io/v1", undefined, { select });
    await c.send("GET", "/apis/cbt.storage.k8s.io/v1beta1", undefined, { select });
  },
});
