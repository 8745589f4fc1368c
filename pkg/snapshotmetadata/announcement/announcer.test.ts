import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { SnapshotMetadataService } from "../../apis/cbt/index.ts";
import { ApiError } from "../../kube/client/index.ts";
import { makeServerCertificate } from "../../runtime/certificates/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { parseCommandLine } from "../../runtime/options/index.ts";
import { systemClock } from "../../runtime/timing/index.ts";
import { type AnnouncerDeps, announcer } from "./announcer.ts";
import { announcementOptions } from "./options.ts";

const files: string[] = [];
afterEach(async () => {
  for (const file of files.splice(0)) await rm(file);
});

async function setUp(flags: readonly string[], change: Partial<AnnouncerDeps> = {}) {
  const { caPem } = await makeServerCertificate(["a.test"]);
  const file = join(tmpdir(), `announcer-${process.pid}-${files.length}.pem`);
  files.push(file);
  await writeFile(file, caPem);
  const parsed = parseCommandLine([announcementOptions], [`--service-ca-file=${file}`, ...flags], {});
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const stored: SnapshotMetadataService = {
    metadata: { name: "d", uid: "u-1", resourceVersion: "41" },
    spec: { address: "x:1", audience: "theirs", caCert: "eA==" },
  };
  const sent: unknown[] = [];
  const deps: AnnouncerDeps = {
    options: parsed.values[0],
    client: {
      create: () => expect.unreachable("the object exists"),
      patch: async (_kind, ref, patch) => {
        sent.push({ ref, patch });
        return stored as never;
      },
    },
    services: { find: async () => stored },
    watching: () => true,
    recorder: { event: () => undefined },
    meter: { looked: () => undefined },
    clock: systemClock,
    log: silentLogger(),
    ...change,
  };
  const look = () => announcer(deps)("d", { signal: AbortSignal.timeout(5000), log: silentLogger(), failures: 0 });
  return { look, sent, stored, caCert: Buffer.from(caPem).toString("base64") };
}

it("writes the fields it is to keep and no other, and only on top of what it has read", async () => {
  const { look, sent, caCert } = await setUp(["--service-address=y:2"]);
  await look();
  expect(sent).toEqual([
    {
      ref: { name: "d" },
      patch: {
        type: "merge",
        body: {
          metadata: { uid: "u-1", resourceVersion: "41", annotations: expect.any(Object) },
          spec: { address: "y:2", caCert },
        },
      },
    },
  ]);
});

it("an object that was changed meanwhile is left to the next look", async () => {
  const conflict = new ApiError({ status: 409, reason: "Conflict", message: "changed", method: "PATCH", path: "/" });
  const patch = async () => Promise.reject(conflict);
  const { look } = await setUp([], { client: { create: patch, patch } });
  await expect(look()).rejects.toBe(conflict);
});

it("an object that is being deleted is left alone", async () => {
  const { look, sent, stored } = await setUp([]);
  stored.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  await look();
  expect(sent).toEqual([]);
});

it("looks again soon where changes are not told, and late where they are", async () => {
  const blind = await setUp([], { watching: () => false });
  const told = await setUp([]);
  expect(await blind.look()).toEqual({ type: "requeue", afterMs: 30_000 });
  expect(await told.look()).toEqual({ type: "requeue", afterMs: 300_000 });
});
