import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../pkg/apis/core/index.ts";
import { ask, askSince, useGround } from "./ask.ts";
import type { Rig, RigOptions } from "./rig.ts";
import { putClass, putSnapshot, type SnapshotSpec } from "./snapshots.ts";

const { withRig } = useGround();

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

  it.each<[string, Record<string, string>, RegExp]>([
    ["a name without a namespace", { [keys.name]: "s" }, /snapshotter-secret-namespace is missing/],
    ["a namespace without a name", { [keys.namespace]: "n" }, /snapshotter-secret-name is missing/],
    ["an empty name", { [keys.name]: "", [keys.namespace]: "n" }, /snapshotter-secret-name/],
    ["an empty namespace", { [keys.name]: "s", [keys.namespace]: "" }, /snapshotter-secret-namespace/],
    ["an unknown template", { [keys.name]: "${pvc.name}", [keys.namespace]: "n" }, /\$\{pvc\.name\}/],
    [
      "a template that the namespace may not have",
      { [keys.name]: "s", [keys.namespace]: "${volumesnapshot.name}" },
      /\$\{volumesnapshot\.name\}/,
    ],
    ["a template that is not closed", { [keys.name]: "${volumesnapshot.name", [keys.namespace]: "n" }, /secret-name/],
    ["a name that is none", { [keys.name]: "A_B", [keys.namespace]: "n" }, /"A_B"/],
    ["a namespace that is none", { [keys.name]: "s", [keys.namespace]: "a.b" }, /"a\.b"/],
  ])("a class with %s is refused by its name", async (_, parameters, details) => {
    await withRig({}, async (rig) => {
      const className = `${rig.namespace}-class`;
      await putClass(rig, className, parameters);
      await putSnapshot(rig, { className });
      const expected = { code: status.FAILED_PRECONDITION, details: expect.stringMatching(details) };
      expect(await ask(rig)).toMatchObject(expected);
      expect((await askSince(rig)).details).toContain(`VolumeSnapshotClass ${className}`);
      expect(rig.driver.seen).toEqual([]);
    });
  });

  it("a delta gets the secret of the later snapshot's class", async () => {
    await withRig({}, async (rig) => {
      await putSecret(rig, "snap-creds");
      const className = `${rig.namespace}-class`;
      await putClass(rig, className, { [keys.name]: "snap-creds", [keys.namespace]: rig.namespace });
      await putSnapshot(rig, { className });
      expect((await askSince(rig)).code).toBe(status.OK);
      const secrets = { user: "admin", password: canary };
      expect(rig.driver.seen.map(({ request }) => request)).toMatchObject([{ baseSnapshotId: "base-1", secrets }]);
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
