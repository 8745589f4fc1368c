import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyRule } from "../../../pkg/runtime/lifecycle/index.ts";
import { eventually } from "../../support/eventually.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putClass, putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type Sidecar } from "./place.ts";

/** ClusterRole external-snapshot-metadata-runner of external-snapshot-metadata 1.1.0. */
const originals: readonly PolicyRule[] = [
  {
    apiGroups: ["cbt.storage.k8s.io"],
    resources: ["snapshotmetadataservices"],
    verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create", "get"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create", "get"] },
  {
    apiGroups: ["snapshot.storage.k8s.io"],
    resources: ["volumesnapshots", "volumesnapshotcontents"],
    verbs: ["get", "list"],
  },
];

let ground: Ground;
let place: Place;
let sidecar: Sidecar;
beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground, { rules: originals });
  sidecar = await place.start();
  await sidecar.ready();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

const className = (): string => `${place.namespace}-class`;
const frozen = {
  "snapshot.storage.kubernetes.io/deletion-secret-name": "creds",
  "snapshot.storage.kubernetes.io/deletion-secret-namespace": "default",
};

describe("with the original's role alone", () => {
  it("a snapshot without class is served, without secrets", async () => {
    await putSnapshot(place, { name: "classless" });
    expect((await place.ask(sidecar, { snapshotName: "classless" })).code).toBe(status.OK);
    expect(place.driver.seen.at(-1)?.request).toMatchObject({ snapshotId: "handle-1", secrets: {} });
  });

  it("a snapshot of a class that can not be read is served when its content says that no secret was named", async () => {
    await putClass(place, className(), {});
    await putSnapshot(place, { name: "made", className: className(), source: { volumeHandle: "volume-1" } });
    expect((await place.ask(sidecar, { snapshotName: "made" })).code).toBe(status.OK);
  });

  it("where the class could name a secret that nothing else tells, the refusal says what is missing", async () => {
    await putSnapshot(place, { name: "brought", className: className() });
    const refused = await place.ask(sidecar, { snapshotName: "brought" });
    expect(refused.code).toBe(status.INTERNAL);
    expect(refused.details).toContain(`VolumeSnapshotClass ${className()} can not be read`);
    expect(refused.details).not.toContain("system:serviceaccount");
    await using compatible = await place.start(["--compat-codes"]);
    await compatible.ready();
    expect((await place.ask(compatible, { snapshotName: "brought" })).code).toBe(status.UNAVAILABLE);
  });

  it("a secret that can not be read is named, and not passed over", async () => {
    await putSnapshot(place, { name: "secretive", contentAnnotations: frozen });
    const refused = await place.ask(sidecar, { snapshotName: "secretive" });
    expect(refused.code).toBe(status.INTERNAL);
    expect(refused.details).toContain("Secret creds can not be read");
    expect(place.driver.seen.length).toBe(2);
  });

  it("what is missing is found out live, call by call", async () => {
    expect((await place.ask(sidecar, { snapshotName: "later" })).code).toBe(status.NOT_FOUND);
    await putSnapshot(place, { name: "later" });
    expect((await place.ask(sidecar, { snapshotName: "later" })).code).toBe(status.OK);
  });

  it("the log says once for each kind that it can not be watched, and once that classes and secrets can not be read", async () => {
    const said = (message: string): string[] =>
      sidecar
        .lines()
        .filter((line) => line["msg"] === message)
        .map((line) => String(line["kind"]));
    const watches = ["VolumeSnapshot", "VolumeSnapshotClass", "VolumeSnapshotContent"];
    await eventually("the watches were tried", () => {
      const kinds = said("no right to list and watch: live reads are used instead");
      expect(kinds.toSorted()).toEqual(watches);
    });
    expect(said("the role lacks a right to read").toSorted()).toEqual(["Secret", "VolumeSnapshotClass"]);
  });
});
