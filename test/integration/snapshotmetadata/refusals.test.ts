import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Role, RoleBinding, ServiceAccount } from "../../../pkg/apis/core/index.ts";
import type { KubeClient } from "../../../pkg/kube/client/index.ts";
import { eventually } from "../../support/eventually.ts";
import { makeIdentity } from "../../support/identity.ts";
import { collect } from "../../support/metadata-call.ts";
import { ask, askSince, useGround } from "./ask.ts";
import { audience, openRig } from "./rig.ts";
import { putSnapshot, type SnapshotSpec } from "./snapshots.ts";

const { ground, withRig } = useGround();

/** A ServiceAccount that may read snapshots of its own namespace, by a RoleBinding. */
async function makeReader(admin: KubeClient, namespace: string): Promise<void> {
  const [metadata, apiGroup] = [{ namespace, name: "reader" }, "rbac.authorization.k8s.io"];
  const rules = [{ apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] }];
  await admin.create(ServiceAccount, { metadata });
  await admin.create(Role, { metadata, rules });
  const subjects = [{ kind: "ServiceAccount", ...metadata }] as const;
  await admin.create(RoleBinding, {
    metadata,
    subjects: [...subjects],
    roleRef: { apiGroup, kind: "Role", name: "reader" },
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
    ["namespace in capitals", { namespace: "Default" }, status.INVALID_ARGUMENT, /namespace "Default"/],
    ["namespace too long", { namespace: "n".repeat(64) }, status.INVALID_ARGUMENT, /namespace "n{64}"/],
    ["namespace of two lines", { namespace: "a\nb" }, status.INVALID_ARGUMENT, /namespace "a\\nb"/],
    ["snapshot that climbs", { snapshotName: "../secrets" }, status.INVALID_ARGUMENT, /snapshot name "\.\.\/secrets"/],
    ["snapshot with a zero byte", { snapshotName: "a\0b" }, status.INVALID_ARGUMENT, /snapshot name "a\\u0000b"/],
    ["snapshot name too long", { snapshotName: "s".repeat(254) }, status.INVALID_ARGUMENT, /snapshot name "s{253}…"/],
    ["lowest offset", { startingOffset: -(1n << 63n) }, status.OUT_OF_RANGE, /starting_offset is -9223372036854775808/],
    ["lowest max_results", { maxResults: -(2 ** 31) }, status.INVALID_ARGUMENT, /max_results is -2147483648/],
    ["a token of blanks", { securityToken: "   " }, status.UNAUTHENTICATED, /not valid for audience/],
    ["a token of two lines", { securityToken: "a\r\nb: c" }, status.UNAUTHENTICATED, /not valid for audience/],
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

  it.each([
    ["text that is no UTF-8", [0x12, 2, 0xc3, 0x28]],
    ["a field of another type", [0x10, 1]],
    ["a length beyond the end", [0x0a, 0x7f, 0x61]],
    ["a number that never ends", [0x20, ...Array.from({ length: 12 }, () => 0xff)]],
  ])("%s", async (_, bytes) => {
    await withRig({}, async (rig) => {
      const stream = rig.caller.raw("GetMetadataAllocated", Buffer.from(bytes));
      expect((await collect(stream)).code).toBe(status.INVALID_ARGUMENT);
      expect(rig.driver.seen).toEqual([]);
      await putSnapshot(rig);
      expect((await ask(rig)).code).toBe(status.OK);
    });
  });

  it("the largest offset and max_results go to the driver as they are", async () => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig);
      const huge = { startingOffset: (1n << 63n) - 1n, maxResults: 2 ** 31 - 1 };
      expect((await ask(rig, huge)).code).toBe(status.OK);
      expect((await askSince(rig, huge)).code).toBe(status.OK);
      expect(rig.driver.seen.map(({ request }) => request)).toMatchObject([huge, huge]);
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

  it("a right in one's own namespace is none in another", async () => {
    await withRig({}, async (rig) => {
      await putSnapshot(rig);
      await using other = await openRig(ground());
      await makeReader(rig.admin, other.namespace);
      const securityToken = await other.token({ account: "reader" });
      const here = { securityToken, namespace: rig.namespace };
      expect((await ask(rig, here)).code).toBe(status.PERMISSION_DENIED);
      expect((await askSince(rig, here)).code).toBe(status.PERMISSION_DENIED);
      expect((await ask(rig, { securityToken, namespace: other.namespace })).code).toBe(status.NOT_FOUND);
      expect(rig.driver.seen).toEqual([]);
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

  it("a SnapshotMetadataService object that goes away, without a token being believed meanwhile", async () => {
    await withRig({ flags: ["--token-cache-ttl=0"] }, async (rig) => {
      await putSnapshot(rig);
      expect((await ask(rig)).code).toBe(status.OK);
      await rig.admin.delete(SnapshotMetadataService, { name: rig.driverName });
      await eventually("calls are refused", async () => {
        const details = expect.stringContaining(`SnapshotMetadataService ${rig.driverName} does not exist`);
        expect(await ask(rig)).toMatchObject({ code: status.INTERNAL, details });
      });
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
      const expected = { code: ours, details: expect.stringMatching(details) };
      expect(await ask(rig, changes)).toMatchObject(expected);
      expect(await askSince(rig, changes)).toMatchObject(expected);
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
