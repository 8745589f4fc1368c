import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Namespace } from "../../../pkg/apis/core/index.ts";
import { VolumeSnapshot } from "../../../pkg/apis/snapshot/index.ts";
import type { PolicyRule } from "../../../pkg/runtime/lifecycle/index.ts";
import { metadataServer } from "../../../pkg/snapshotmetadata/index.ts";
import { eventually } from "../../support/eventually.ts";
import { ensure } from "../../support/identity.ts";
import type { CallResult } from "../../support/metadata-call.ts";
import { useSeenGround } from "./ask.ts";
import { openRig, type Rig, type RigOptions, untilReady } from "./rig.ts";
import { putSnapshot, type SnapshotSpec } from "./snapshots.ts";

const { ground, proxy } = useSeenGround();

/** Without `watch` nothing is cached. */
const withoutWatch: readonly PolicyRule[] = metadataServer.rbac.map((rule) => ({
  ...rule,
  verbs: rule.verbs.filter((verb) => verb !== "watch"),
}));

/** A target of volume "vol-1" in a namespace, and how to ask for what changed since a handle. */
interface Setting {
  readonly rig: Rig;
  readonly handle: string;
  readonly elsewhere: string;
  put(spec: SnapshotSpec, namespace?: string): Promise<void>;
  ask(baseSnapshotId?: string): Promise<CallResult>;
  /** Settles when the server has heard of all that was put: without it a handle may pass because nobody knows it. */
  untilHeard(): Promise<void>;
}

async function withTarget(options: RigOptions, test: (setting: Setting) => Promise<void>): Promise<void> {
  await using rig = await openRig(ground(), options);
  const elsewhere = `${rig.namespace}-other`;
  await ensure(rig.admin, Namespace, { metadata: { name: elsewhere } });
  await putSnapshot(rig, { source: { volumeHandle: "vol-1" } });
  await untilReady(rig);
  // Handles are told apart by name: several rigs share the cluster.
  const handle = `base-of-${rig.namespace}`;
  const ask: Setting["ask"] = async (baseSnapshotId = handle) =>
    await rig.caller.delta({
      securityToken: await rig.token(),
      namespace: rig.namespace,
      targetSnapshotName: "snap",
      baseSnapshotId,
    });
  await test({
    rig,
    handle,
    elsewhere,
    ask,
    untilHeard: async () => {
      const last = `${handle}-last`;
      const contentStatus = { readyToUse: true, snapshotHandle: last };
      await putSnapshot({ ...rig, namespace: elsewhere }, { name: "last", contentStatus });
      await eventually("the last is known", async () => expect((await ask(last)).code).toBe(NOT_FOUND));
    },
    put: async (spec, namespace = rig.namespace) => {
      const contentStatus = { readyToUse: true, snapshotHandle: handle };
      await putSnapshot({ ...rig, namespace }, { name: "base", contentStatus, ...spec });
    },
  });
}

const { OK, NOT_FOUND, INVALID_ARGUMENT } = status;
const vol1 = { source: { volumeHandle: "vol-1" } };
const vol2 = { source: { volumeHandle: "vol-2" } };
const found = (handle: string) => ({ source: { snapshotHandle: handle } });

describe.each([
  ["from the cache", metadataServer.rbac],
  ["live, with a role that may not watch", withoutWatch],
])("a base handle, %s", (_how, rules) => {
  it("that nobody carries goes to the driver: the base may be gone", async () => {
    await withTarget({ rules }, async ({ rig, ask }) => {
      expect((await ask("forgotten")).code).toBe(OK);
      expect(rig.driver.seen.map(({ request }) => request)).toMatchObject([{ baseSnapshotId: "forgotten" }]);
    });
  });

  const here: [string, SnapshotSpec, number, RegExp | string][] = [
    ["of the same volume", vol1, OK, ""],
    ["of another volume", vol2, INVALID_ARGUMENT, /content-\S+ is of another volume than VolumeSnapshot \S+\/snap$/],
    ["of a volume that is not known", { source: { snapshotHandle: "as found" } }, OK, ""],
    ["of another driver", { ...vol1, driver: "other.csi" }, INVALID_ARGUMENT, /belongs to driver other\.csi/],
    [
      "of a content that is not bound yet",
      { ...vol1, contentRef: { uid: "" } },
      NOT_FOUND,
      /of no snapshot in namespace/,
    ],
    ["of a snapshot of that name that was deleted", { ...vol1, contentRef: { uid: "0" } }, OK, ""],
    ["of a snapshot that has no status yet", { ...vol1, snapshotStatus: null }, OK, ""],
    [
      "of a content that its snapshot does not name",
      { ...vol1, snapshotStatus: { readyToUse: true, boundVolumeSnapshotContentName: "another" } },
      NOT_FOUND,
      /of no snapshot in namespace/,
    ],
  ];
  it.each(here)("%s, in the caller's namespace", async (_what, spec, code, details) => {
    await withTarget({ rules }, async ({ rig, put, ask, untilHeard }) => {
      await put(spec);
      await untilHeard();
      await eventually("it is judged", async () =>
        expect(await ask()).toMatchObject({ code, details: expect.stringMatching(details) }),
      );
      if (code !== OK) {
        const before = rig.driver.seen.length;
        await ask();
        expect(rig.driver.seen.length).toBe(before);
      }
    });
  });

  it("of a snapshot that is gone, while its content stays", async () => {
    await withTarget({ rules }, async ({ rig, put, ask }) => {
      await put(vol1);
      await rig.admin.delete(VolumeSnapshot, { namespace: rig.namespace, name: "base" });
      expect((await ask()).code).toBe(OK);
    });
  });

  it("of a snapshot that appears a moment later: what the cache lacks is looked for before a refusal", async () => {
    await withTarget({ rules }, async ({ put, ask, elsewhere }) => {
      await put(vol1, elsewhere);
      await eventually("the other's is known", async () => expect((await ask()).code).toBe(NOT_FOUND));
      await put(vol1);
      expect((await ask()).code).toBe(OK);
    });
  });

  it("says the same of another namespace whatever is wrong there", async () => {
    const answers: { code: number; details: string }[] = [];
    const specs: SnapshotSpec[] = [vol1, vol2, { ...vol1, driver: "other.csi" }, { ...vol1, contentRef: { uid: "0" } }];
    for (const spec of specs) {
      await withTarget({ rules }, async ({ rig, put, ask, elsewhere }) => {
        await put(spec, elsewhere);
        await eventually("it is known", async () => expect((await ask()).code).not.toBe(OK));
        const { code, details } = await ask();
        answers.push({ code, details: details.replaceAll(rig.namespace, "<mine>") });
      });
    }
    const same = { code: NOT_FOUND, details: 'base_snapshot_id is of no snapshot in namespace "<mine>"' };
    expect(answers).toEqual(specs.map(() => same));
  });

  it("carried by several contents: one that fits is enough", async () => {
    await withTarget({ rules }, async ({ put, ask, handle, elsewhere }) => {
      await put(vol2, elsewhere);
      await put({ ...vol2, name: "mine-of-another-volume" });
      await eventually("none fits", async () => expect((await ask()).code).toBe(INVALID_ARGUMENT));
      await put({ ...found(handle), name: "mine", contentStatus: null });
      expect((await ask()).code).toBe(OK);
    });
  });

  it("and the original's codes where they are asked for", async () => {
    await withTarget({ rules, flags: ["--compat-codes"] }, async ({ put, ask, elsewhere }) => {
      await put(vol1, elsewhere);
      await eventually("it is known", async () => expect((await ask()).code).toBe(status.UNAVAILABLE));
    });
  });
});

it("calls without a cache share their lists", async () => {
  await withTarget({ rules: withoutWatch }, async ({ put, ask, elsewhere }) => {
    await put(vol1, elsewhere);
    const lists = (): number =>
      proxy().seen.filter(({ path, query }) => path.endsWith("/volumesnapshotcontents") && !query.has("watch")).length;
    const until = eventually("all wait", () => expect(lists()).toBeGreaterThan(0));
    proxy().fault = ({ path }) => (path.endsWith("/volumesnapshotcontents") ? { type: "hold", until } : undefined);
    proxy().seen.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => NOT_FOUND));
    // One to begin with, one before a refusal, and at most one more for those who came in between.
    expect(lists()).toBeLessThanOrEqual(4);
    proxy().fault = () => undefined;
  });
});
