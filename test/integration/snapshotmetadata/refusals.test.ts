import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Secret } from "../../../pkg/apis/core/index.ts";
import { makeIdentity } from "../../support/identity.ts";
import { audience, type Ground, openGround, openRig, type Rig, type RigOptions, untilReady } from "./rig.ts";
import { putClass, putSnapshot, type SnapshotSpec } from "./snapshots.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await openGround();
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

/** Opens a rig, waits for its driver, hands it to the test. */
async function withRig(options: RigOptions, test: (rig: Rig) => Promise<void>): Promise<void> {
  await using rig = await openRig(ground, options);
  await untilReady(rig);
  await test(rig);
}

/** Asks for allocated blocks with a good token and the given changes. */
async function ask(rig: Rig, changes: Record<string, unknown> = {}) {
  return await rig.caller.allocated({
    securityToken: await rig.token(),
    namespace: rig.namespace,
    snapshotName: "snap",
    ...changes,
  });
}

describe("what the request itself gets wrong", () => {
  it.each([
    ["no token", { securityToken: "" }, status.INVALID_ARGUMENT, /^security_token is empty/],
    ["no namespace", { namespace: "" }, status.INVALID_ARGUMENT, /^namespace is empty/],
    ["no snapshot", { snapshotName: "" }, status.INVALID_ARGUMENT, /^snapshot_name is empty/],
    ["nothing at all", { securityToken: "", namespace: "" }, status.INVALID_ARGUMENT, /^security_token is empty/],
    ["negative offset", { startingOffset: -1n }, status.OUT_OF_RANGE, /starting_offset is -1/],
    ["negative max_results", { maxResults: -5 }, status.INVALID_ARGUMENT, /max_results is -5/],
    ["namespace that is no name", { namespace: "a/b" }, status.INVALID_ARGUMENT, /namespace "a\/b"/],
    ["a token of nobody", { securityToken: "nonsense" }, status.UNAUTHENTICATED, /not valid for audience/],
  ])("%s", async (_, changes, code, details) => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig);
      const result = await ask(rig, changes);
      expect(result).toMatchObject({ code, details: expect.stringMatching(details) });
      expect(rig.driver.seen).toEqual([]);
    });
  });

  it("bytes that are no request", async () => {
    await withRig({}, async (rig) => {
      const stream = rig.caller.raw("GetMetadataAllocated", Buffer.from([0x0a, 0xff]));
      const ended = await new Promise((resolve) =>
        stream
          .on("error", () => {})
          .on("status", resolve)
          .resume(),
      );
      expect(ended).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining("GetMetadataAllocatedRequest"),
      });
    });
  });

  it("a delta names its own fields, in the order of the original", async () => {
    await withRig({}, async (rig) => {
      const whole = { securityToken: "t", namespace: "n", baseSnapshotId: "b", targetSnapshotName: "s" };
      const missing = async (change: object) => (await rig.caller.delta({ ...whole, ...change })).details;
      expect(await missing({ securityToken: "", namespace: "" })).toMatch(/^security_token/);
      expect(await missing({ namespace: "", baseSnapshotId: "" })).toMatch(/^namespace/);
      expect(await missing({ baseSnapshotId: "", targetSnapshotName: "" })).toMatch(/^base_snapshot_id/);
      expect(await missing({ targetSnapshotName: "" })).toMatch(/^target_snapshot_name/);
    });
  });
});

describe("who is calling", () => {
  it("a token for another audience", async () => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig);
      const result = await ask(rig, { securityToken: await rig.token({ audience: "somebody.else" }) });
      expect(result.code).toBe(status.UNAUTHENTICATED);
    });
  });

  it("the audience of the flag is the one that counts", async () => {
    await withRig({ flags: ["--audience=by.flag"] }, async (rig) => {
      await putSnapshot(rig);
      expect((await ask(rig)).code).toBe(status.UNAUTHENTICATED);
      const result = await ask(rig, { securityToken: await rig.token({ audience: "by.flag" }) });
      expect(result).toMatchObject({ code: status.OK, messages: [] });
    });
  });

  it("no right in the namespace", async () => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig);
      await makeIdentity(rig.admin, { namespace: rig.namespace, name: "stranger" }, []);
      const result = await ask(rig, { securityToken: await rig.token({ account: "stranger" }) });
      expect(result.code).toBe(status.PERMISSION_DENIED);
      expect(result.details).toContain(`system:serviceaccount:${rig.namespace}:stranger may not get volumesnapshots`);
      expect(result.details).toContain(`namespace "${rig.namespace}"`);
    });
  });

  it("a right on one snapshot by name is enough for that one", async () => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig);
      await putSnapshot(rig, { name: "other" });
      const rule = { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] };
      await makeIdentity(rig.admin, { namespace: rig.namespace, name: "narrow" }, [
        { ...rule, resourceNames: ["snap"] },
      ]);
      const securityToken = await rig.token({ account: "narrow" });
      expect((await ask(rig, { securityToken })).code).toBe(status.OK);
      expect((await ask(rig, { securityToken, snapshotName: "other" })).code).toBe(status.PERMISSION_DENIED);
    });
  });

  it("no SnapshotMetadataService object; then one appears", async () => {
    await withRig({ announced: false }, async (rig) => {
      await putSnapshot(rig);
      const result = await ask(rig);
      expect(result).toMatchObject({ code: status.INTERNAL, details: expect.stringContaining(rig.driverName) });
      await rig.admin.create(SnapshotMetadataService, {
        metadata: { name: rig.driverName },
        spec: { address: "localhost:1", audience, caCert: "eA==" },
      });
      expect((await ask(rig)).code).toBe(status.OK);
    });
  });

  it("a server whose role lacks token reviews", async () => {
    await withRig({ rules: [] }, async (rig) => {
      const result = await ask(rig, {});
      expect(result.code).toBe(status.INTERNAL);
      expect(result.details).not.toContain("sidecar");
    });
  });
});

describe("what the snapshot's objects say", () => {
  const { NOT_FOUND, FAILED_PRECONDITION, INVALID_ARGUMENT, UNAVAILABLE } = status;
  const rows: [string, SnapshotSpec, Record<string, unknown>, number, number, RegExp][] = [
    [
      "snapshot missing",
      {},
      { snapshotName: "gone" },
      NOT_FOUND,
      UNAVAILABLE,
      /VolumeSnapshot rig-\w+\/gone does not exist/,
    ],
    ["name that is no name", {}, { snapshotName: "a/b" }, INVALID_ARGUMENT, UNAVAILABLE, /snapshot name "a\/b"/],
    ["no status", { snapshotStatus: null }, {}, FAILED_PRECONDITION, UNAVAILABLE, /is not ready to use/],
    [
      "not ready",
      { snapshotStatus: { readyToUse: false } },
      {},
      FAILED_PRECONDITION,
      UNAVAILABLE,
      /is not ready to use/,
    ],
    [
      "not ready, and says why",
      { snapshotStatus: { readyToUse: false, error: { message: "disk on fire" } } },
      {},
      FAILED_PRECONDITION,
      UNAVAILABLE,
      /not ready to use: disk on fire/,
    ],
    ["not bound", { snapshotStatus: { readyToUse: true } }, {}, FAILED_PRECONDITION, UNAVAILABLE, /not bound/],
    [
      "content missing",
      { withoutContent: true },
      {},
      FAILED_PRECONDITION,
      UNAVAILABLE,
      /content-\S+ of VolumeSnapshot/,
    ],
    ["content of another", { contentRef: { name: "x" } }, {}, FAILED_PRECONDITION, UNAVAILABLE, /belongs to/],
    ["content of an earlier one", { contentRef: { uid: "0" } }, {}, FAILED_PRECONDITION, UNAVAILABLE, /earlier/],
    [
      "content without status",
      { contentStatus: null },
      {},
      FAILED_PRECONDITION,
      UNAVAILABLE,
      /content-\S+ is not ready/,
    ],
    [
      "content without handle",
      { contentStatus: { readyToUse: true } },
      {},
      FAILED_PRECONDITION,
      UNAVAILABLE,
      /has no snapshot handle/,
    ],
    ["another driver", { driver: "other.csi" }, {}, INVALID_ARGUMENT, INVALID_ARGUMENT, /belongs to driver other\.csi/],
    [
      "half a secret",
      { contentAnnotations: { "snapshot.storage.kubernetes.io/deletion-secret-name": "s" } },
      {},
      FAILED_PRECONDITION,
      UNAVAILABLE,
      /deletion-secret-namespace is missing/,
    ],
  ];

  it.each(rows)("%s", async (_, spec, changes, ours, original, details) => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig, spec);
      expect(await ask(rig, changes)).toMatchObject({ code: ours, details: expect.stringMatching(details) });
      expect(rig.driver.seen).toEqual([]);
    });
    await withRig({ flags: ["--compat-codes"] }, async (rig) => {
      await putSnapshot(rig, spec);
      expect(await ask(rig, changes)).toMatchObject({ code: original, details: expect.stringMatching(details) });
    });
  });

  it("a snapshot that becomes ready is served at once", async () => {
    await withRig({}, async (rig) => {
      expect((await ask(rig)).code).toBe(NOT_FOUND);
      await putSnapshot(rig);
      expect((await ask(rig)).code).toBe(status.OK);
      expect(rig.driver.seen.map((each) => each.request)).toMatchObject([{ snapshotId: "handle-1" }]);
    });
  });
});

describe("secrets", () => {
  const keys = {
    name: "csi.storage.k8s.io/snapshotter-secret-name",
    namespace: "csi.storage.k8s.io/snapshotter-secret-namespace",
  };

  it.each<[string, (rig: Rig) => Promise<SnapshotSpec>]>([
    [
      "of the snapshot's class, with templates",
      async (rig) => {
        const className = `${rig.namespace}-class`;
        await putClass(rig, className, {
          [keys.name]: "${volumesnapshot.name}-creds",
          [keys.namespace]: "${volumesnapshot.namespace}",
        });
        return { className };
      },
    ],
    [
      "of the content's class, when the snapshot names none",
      async (rig) => {
        const contentClassName = `${rig.namespace}-class`;
        await putClass(rig, contentClassName, { [keys.name]: "snap-creds", [keys.namespace]: rig.namespace });
        return { contentClassName };
      },
    ],
    [
      "of the content's annotations, when the class is gone",
      async (rig) => ({
        className: "gone",
        contentAnnotations: {
          "snapshot.storage.kubernetes.io/deletion-secret-name": "snap-creds",
          "snapshot.storage.kubernetes.io/deletion-secret-namespace": rig.namespace,
        },
      }),
    ],
    [
      "of the default class, when none is named",
      async (rig) => {
        await putClass(
          rig,
          `${rig.namespace}-default`,
          { [keys.name]: "snap-creds", [keys.namespace]: rig.namespace },
          true,
        );
        return {};
      },
    ],
  ])("%s", async (_, prepare) => {
    await withRig({}, async (rig) => {
      await putSecret(rig, "snap-creds");
      await putSnapshot(rig, await prepare(rig));
      expect((await ask(rig)).code).toBe(status.OK);
      expect(rig.driver.seen.map((each) => each.request.secrets)).toEqual([{ user: "admin", password: canary }]);
      expect(rig.log()).not.toContain(canary);
    });
  });

  it("a class that is named, exists and names no secret needs none", async () => {
    await withRig({}, async (rig) => {
      await putClass(rig, `${rig.namespace}-class`, {});
      await putSnapshot(rig, { className: `${rig.namespace}-class` });
      expect((await ask(rig)).code).toBe(status.OK);
      expect(rig.driver.seen.map((each) => each.request.secrets)).toEqual([{}]);
    });
  });

  it("two default classes and no class named: no secret, no refusal", async () => {
    await withRig({}, async (rig) => {
      for (const name of ["a", "b"]) {
        await putClass(rig, `${rig.namespace}-${name}`, { [keys.name]: name, [keys.namespace]: "x" }, true);
      }
      await putSnapshot(rig);
      expect((await ask(rig)).code).toBe(status.OK);
    });
  });

  it("a secret that is missing is named", async () => {
    await withRig({}, async (rig) => {
      await putClass(rig, `${rig.namespace}-class`, { [keys.name]: "gone", [keys.namespace]: rig.namespace });
      await putSnapshot(rig, { className: `${rig.namespace}-class` });
      const result = await ask(rig);
      expect(result.code).toBe(status.FAILED_PRECONDITION);
      expect(result.details).toContain(`Secret ${rig.namespace}/gone`);
    });
  });

  it("a secret the driver repeats does not reach the caller, the log or the metrics", async () => {
    const echo: RigOptions["driver"] = {
      stream: (call, { request }) =>
        call.emit("error", { code: status.FAILED_PRECONDITION, details: `bad login ${request.secrets["password"]}` }),
    };
    await withRig({ driver: echo }, async (rig) => {
      await putSecret(rig, "snap-creds");
      await putClass(rig, `${rig.namespace}-class`, { [keys.name]: "snap-creds", [keys.namespace]: rig.namespace });
      await putSnapshot(rig, { className: `${rig.namespace}-class` });
      const result = await ask(rig);
      expect(result.code).toBe(status.FAILED_PRECONDITION);
      expect(result.details).toContain("bad login");
      const metrics = await rig.http("/metrics");
      for (const place of [result.details, rig.log(), metrics.body]) expect(place).not.toContain(canary);
    });
  });
});

const canary = "canary-4f1c9e";

async function putSecret(rig: Rig, name: string): Promise<void> {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  await rig.admin.create(Secret, {
    metadata: { namespace: rig.namespace, name },
    data: { user: encode("admin"), password: encode(canary) },
  });
}
