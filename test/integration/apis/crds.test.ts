import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { crds } from "../../../pkg/apis/index.ts";
import { type Crd, defineCrd, object, text, withInt64 } from "../../../pkg/apis/schema/index.ts";
import { VolumeSnapshotClass } from "../../../pkg/apis/snapshot/index.ts";
import { type TestCluster, testCluster } from "../../support/cluster.ts";
import { CrdCluster } from "../../support/crd-cluster.ts";
import { type Fixture, fixturesOf } from "../../support/crd-fixtures.ts";
import { Sample } from "../../support/sample-kind.ts";

const kinds: readonly Crd[] = [...crds, Sample];
const examples = kinds.map((crd) => ({ crd, kind: crd.kind, fixtures: fixturesOf(crd.kind.toLowerCase()) }));

let cluster: TestCluster;
let server: CrdCluster;

beforeAll(async () => {
  cluster = await testCluster();
  server = new CrdCluster(cluster.kubeconfigText);
  for (const crd of kinds) await server.install(crd);
});

afterAll(async () => {
  server?.close();
  await cluster?.close();
});

describe.each(examples)("$kind on an API server", ({ crd, fixtures }) => {
  it.each(fixtures)("$title", async (fixture) => {
    const outcome = await server.attempt(crd, fixture);
    if (fixture.error !== undefined) {
      expect(outcome).toEqual({ refused: fixture.error });
      return;
    }
    if (!("stored" in outcome)) throw new Error(outcome.refused);
    const { metadata: _identity, ...kept } = withInt64(crd, outcome.stored);
    expect(kept).toEqual(expectation(crd, fixture));
  });
});

/** What was sent is what is kept, but where a fixture says otherwise. Metadata is the server's. */
function expectation(crd: Crd, { object, stored = object, rule }: Fixture): object {
  const { metadata: _identity, ...kept } = withInt64(crd, structuredClone(stored));
  if (crd !== Sample || stored !== object || rule.endsWith(".default")) return kept;
  const { spec, ...rest } = kept as { spec?: object };
  return { ...rest, spec: { policy: "Delete", retry: { attempts: 5, enabled: true }, ...spec } };
}

describe("a cluster where the original was before", () => {
  const group = "upgrade.csi-data-protection.io";

  it("takes our manifest when it has stored objects of an older version", async () => {
    const names = { ...VolumeSnapshotClass.definition, group };
    const { v1, v1beta1 } = VolumeSnapshotClass.definition.versions;
    if (v1 === undefined || v1beta1 === undefined) throw new Error("both versions must be in the manifest");
    const newest = defineCrd({ ...names, versions: { v1, v1beta1 }, version: "v1" });
    const older = { v1: { ...v1, storage: false }, v1beta1: { ...v1beta1, served: true, storage: true } };
    await server.install(defineCrd({ ...names, versions: older, version: "v1beta1" }));
    await server.install(newest);
    await expect(server.install(defineCrd({ ...names, versions: { v1 }, version: "v1" }))).rejects.toThrow(
      "v1beta1 was previously a storage version",
    );
    await server.remove(newest);
  });

  it("keeps an object that only we would have refused, until its wrong field changes", async () => {
    const names = { ...SnapshotMetadataService.definition, group };
    const spec = object("As the original has it.", {
      address: text("Any."),
      audience: text("Any."),
      caCert: text("Any."),
    });
    const theirs = { served: true, storage: true, schema: object("A service.", { spec }) };
    const before = defineCrd({ ...names, versions: { v1beta1: theirs }, version: "v1beta1" });
    const after = defineCrd({ ...names, version: "v1beta1" });
    const service = (address: string, labels: Record<string, string>) => ({
      apiVersion: `${group}/v1beta1`,
      kind: "SnapshotMetadataService",
      metadata: { name: "fixtures.example.com", labels },
      spec: { address, audience: "backup", caCert: "YWJj" },
    });
    await server.install(before);
    // The new manifest takes hold a moment after it is stored; until then every text is still taken.
    let stored = "no port";
    expect(await server.put(before, service(stored, {}))).toHaveProperty("stored");
    await server.install(after);
    await vi.waitUntil(async () => {
      const outcome = await server.put(after, service(`${stored}!`, {}));
      if ("stored" in outcome) stored += "!";
      return "refused" in outcome;
    }, 10_000);
    expect(await server.put(after, service(stored, { changed: "yes" }))).toMatchObject({ stored: {} });
    expect(await server.put(after, service("", { changed: "yes" }))).toHaveProperty("refused");
    await server.remove(after);
  });
});
