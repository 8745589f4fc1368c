import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { VolumeSnapshot, VolumeSnapshotContent } from "../../../pkg/apis/snapshot/index.ts";
import { connectDriver } from "../../../pkg/csi/index.ts";
import { ControllerService, CreateSnapshotRequest, CreateVolumeRequest } from "../../../pkg/gen/csi/v1/csi.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { eventually } from "../../support/eventually.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { apiDoor } from "./api-door.ts";
import { openPlace, untilReady } from "./place.ts";
import { startProgram } from "./program.ts";
import { cachedKindsOf } from "./requests.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await openGround();
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

describe("the API server is away", () => {
  it("calls are UNAVAILABLE, a stream that runs goes on, and all is well when it is back", async () => {
    await using door = await apiDoor(ground.kubeconfigText);
    let finish = (): void => undefined;
    const begun = Promise.withResolvers<void>();
    await using place = await openPlace(ground, {
      kubeconfigText: door.kubeconfigText,
      driver: {
        stream: (call, { request }) => {
          call.write(Buffer.from([8, 1]));
          if (request.startingOffset > 0n) return void call.end();
          finish = () => call.end();
          begun.resolve();
        },
      },
    });
    await putSnapshot(place);
    await using sidecar = await place.start();
    await sidecar.ready();
    const running = place.ask(sidecar);
    await begun.promise;
    const securityToken = await place.token();

    door.shut();
    const refused = await place.ask(sidecar, { securityToken, startingOffset: 1n });
    expect(refused).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("API server") });
    finish();
    expect((await running).code).toBe(status.OK);
    expect((await sidecar.http("/healthz")).status).toBe(200);

    await door.open();
    await eventually("it is served again", async () => {
      expect((await place.ask(sidecar, { securityToken, startingOffset: 1n })).code).toBe(status.OK);
    });
    await putSnapshot(place, { name: "after" });
    expect((await place.ask(sidecar, { snapshotName: "after", startingOffset: 1n })).code).toBe(status.OK);
  });

  it("a program that starts meanwhile waits for it", async () => {
    await using door = await apiDoor(ground.kubeconfigText);
    await using place = await openPlace(ground, { kubeconfigText: door.kubeconfigText });
    await putSnapshot(place);
    door.shut();
    await using sidecar = await place.start();
    await sidecar.ready();
    expect((await place.ask(sidecar)).code).toBe(status.UNAVAILABLE);
    await door.open();
    await eventually("it is served", async () => expect((await place.ask(sidecar)).code).toBe(status.OK));
  });
});

describe("watch caches that were cut off", () => {
  it("what they missed is found before anything is refused for it", async () => {
    await using door = await apiDoor(ground.kubeconfigText);
    await using place = await openPlace(ground, { kubeconfigText: door.kubeconfigText });
    await putSnapshot(place, { snapshotStatus: { readyToUse: false } });
    await using sidecar = await place.start();
    await sidecar.ready();
    await eventually("the caches are filled", async () => expect(await cachedKindsOf(sidecar)).toBe(4));
    const securityToken = await place.token({ audience: "another.test" });
    door.shut();
    // The pauses between attempts grow: after a few, the next is some seconds away.
    await eventually("the caches have tried in vain", () => {
      const tries = sidecar.lines().filter((line) => line["msg"] === "cache reconnects");
      for (const kind of ["SnapshotMetadataService", "VolumeSnapshot"]) {
        expect(tries.filter((line) => line["kind"] === kind).length).toBeGreaterThanOrEqual(3);
      }
    });
    const audience = { type: "merge", body: { spec: { audience: "another.test" } } } as const;
    await place.admin.patch(SnapshotMetadataService, { name: place.driverName }, audience);
    const ready = { readyToUse: true, boundVolumeSnapshotContentName: `content-${place.namespace}-snap` };
    const becomesReady = { type: "merge", body: { status: ready } } as const;
    const ref = { namespace: place.namespace, name: "snap" };
    await place.admin.patch(VolumeSnapshot, ref, becomesReady, { subresource: "status" });
    await door.open();
    expect(await place.ask(sidecar, { securityToken })).toMatchObject({ code: status.OK });
  });
});

/** A volume with blocks 0, 2, 4 … written, and a snapshot of it, at a running driver. */
async function snapshotOfEveryOtherBlock(socket: string): Promise<string> {
  const connection = connectDriver({ address: socket, log: silentLogger() });
  try {
    const { volume } = await connection.call(
      ControllerService.createVolume,
      CreateVolumeRequest.fromPartial({
        name: "volume",
        capacityRange: { requiredBytes: 4096n * 4000n },
        volumeCapabilities: [{ accessType: { $case: "block", value: {} }, accessMode: { mode: 1 } }],
      }),
      { waitForReady: true },
    );
    const blocks = Buffer.alloc(4096 * 4000);
    for (let block = 0; block < 4000; block += 2) blocks.fill(1, block * 4096, (block + 1) * 4096);
    await writeFile(volume?.volumeContext["devicePath"] ?? "", blocks);
    const { snapshot } = await connection.call(
      ControllerService.createSnapshot,
      CreateSnapshotRequest.fromPartial({ name: "snapshot", sourceVolumeId: volume?.volumeId ?? "" }),
    );
    return snapshot?.snapshotId ?? "";
  } finally {
    await connection.close();
  }
}

describe("a real driver is killed", () => {
  it("mid-stream: what came is delivered, UNAVAILABLE, unready; ready again with the next driver, and whole", async () => {
    const driverName = `killed-${Date.now()}.csi.test`;
    await using place = await openPlace(ground, { driverName });
    const stateDir = join(place.folder, "driver");
    await mkdir(stateDir);
    const socket = join(place.folder, "dev.sock");
    const drive = () =>
      startProgram("dev-driver", [
        `--endpoint=unix://${socket}`,
        `--statedir=${stateDir}`,
        `--drivername=${driverName}`,
      ]);
    await using first = drive();
    const handle = await snapshotOfEveryOtherBlock(socket);
    await putSnapshot(place);
    const contentName = `content-${place.namespace}-snap`;
    const body = { status: { readyToUse: true, snapshotHandle: handle } };
    const patch = { type: "merge", body } as const;
    await place.admin.patch(VolumeSnapshotContent, { name: contentName }, patch, { subresource: "status" });
    await using sidecar = await place.start([`--csi-address=${socket}`]);
    await sidecar.ready();
    const whole = await place.ask(sidecar, { maxResults: 100 });
    expect([whole.code, whole.messages.length]).toEqual([status.OK, 20]);

    const faults = { GetMetadataAllocated: { afterMessages: 7, hang: true } };
    await writeFile(join(stateDir, "faults.json"), JSON.stringify(faults));
    const broken = place.ask(sidecar, { maxResults: 100 });
    await eventually("seven messages went through", () => {
      const passed = sidecar.lines().filter((line) => line["msg"] === "message passed on");
      expect(passed.length).toBe(20 + 7);
    });
    first.kill("SIGKILL");
    const result = await broken;
    expect(result.code).toBe(status.UNAVAILABLE);
    expect(result.messages).toEqual(whole.messages.slice(0, 7));
    await eventually("unready", async () => expect((await sidecar.http("/readyz")).status).toBe(503));
    expect((await place.ask(sidecar)).code).toBe(status.UNAVAILABLE);

    await writeFile(join(stateDir, "faults.json"), "{}");
    await using second = drive();
    await untilReady(sidecar);
    expect((await place.ask(sidecar, { maxResults: 100 })).messages).toEqual(whole.messages);
    expect(second.pid).not.toBe(first.pid);
  });
});
