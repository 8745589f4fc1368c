import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { VolumeSnapshot } from "../../../pkg/apis/snapshot/index.ts";
import { eventually } from "../../support/eventually.ts";
import { audience, type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putClass, putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type Sidecar } from "./place.ts";
import { cachedKindsOf, requestsOf } from "./requests.ts";

let ground: Ground;
let place: Place;
let sidecar: Sidecar;
beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground);
  await putClass(place, `${place.namespace}-class`, {}, true);
  await putSnapshot(place, { className: `${place.namespace}-class` });
  await putSnapshot(place, { name: "classless" });
  sidecar = await place.start(["--token-cache-ttl=1h"]);
  await sidecar.ready();
  await eventually("the caches are filled", async () => expect(await cachedKindsOf(sidecar)).toBe(4));
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** What these calls cost the API server. */
async function costOf(calls: () => Promise<unknown>): Promise<{ reads: number; reviews: number }> {
  const before = await requestsOf(sidecar);
  await calls();
  const after = await requestsOf(sidecar);
  return { reads: after.GET - before.GET, reviews: after.POST - before.POST };
}

describe("what a call costs the API server", () => {
  it.each(["snap", "classless"])(
    "%s: one access review and no read, however often it is asked for, and one token review",
    async (snapshotName) => {
      const securityToken = await place.token();
      const cost = await costOf(async () => {
        for (let call = 0; call < 10; call++) {
          expect((await place.ask(sidecar, { securityToken, snapshotName })).code).toBe(status.OK);
        }
      });
      expect(cost).toEqual({ reads: 0, reviews: 11 });
    },
  );

  it("a refusal is looked at once more, live", async () => {
    const securityToken = await place.token();
    const missing = await costOf(async () => {
      const { code } = await place.ask(sidecar, { securityToken, snapshotName: "gone" });
      expect(code).toBe(status.NOT_FOUND);
    });
    expect(missing.reads).toBeGreaterThan(0);
    await putSnapshot(place, { name: "unready", snapshotStatus: { readyToUse: false } });
    const ask = async () => expect((await place.ask(sidecar, { securityToken, snapshotName: "unready" })).code);
    (await ask()).toBe(status.FAILED_PRECONDITION);
    expect((await costOf(ask)).reads).toBeGreaterThan(0);
    const stranger = await costOf(async () => {
      expect((await place.ask(sidecar, { securityToken: "nobody's" })).code).toBe(status.UNAUTHENTICATED);
    });
    expect(stranger.reads).toBe(1);
  });
});

describe("what changes is seen", () => {
  it("a snapshot is served the moment it is ready", async () => {
    for (let number = 0; number < 10; number++) {
      const snapshotName = await putSnapshot(place, { name: `fresh-${number}` });
      expect((await place.ask(sidecar, { snapshotName })).code, snapshotName).toBe(status.OK);
    }
  });

  it("a snapshot that is no longer ready is refused", async () => {
    const name = await putSnapshot(place, { name: "fading" });
    expect((await place.ask(sidecar, { snapshotName: name })).code).toBe(status.OK);
    const body = { status: { readyToUse: false } };
    const ref = { namespace: place.namespace, name };
    await place.admin.patch(VolumeSnapshot, ref, { type: "merge", body }, { subresource: "status" });
    await eventually("it is refused", async () => {
      expect((await place.ask(sidecar, { snapshotName: name })).code).toBe(status.FAILED_PRECONDITION);
    });
  });

  it("another audience: new tokens pass at once, old ones soon no more", async () => {
    const old = await place.token();
    const fresh = await place.token({ audience: "another.test" });
    const change = async (wanted: string) => {
      const patch = { type: "merge", body: { spec: { audience: wanted } } } as const;
      await place.admin.patch(SnapshotMetadataService, { name: place.driverName }, patch);
    };
    await change("another.test");
    expect((await place.ask(sidecar, { securityToken: fresh })).code).toBe(status.OK);
    await eventually("the old one is refused", async () => {
      expect((await place.ask(sidecar, { securityToken: old })).code).toBe(status.UNAUTHENTICATED);
    });
    await change(audience);
    expect((await place.ask(sidecar, { securityToken: old })).code).toBe(status.OK);
  });
});

describe("objects that come and go", () => {
  it("a snapshot that is deleted under a running stream does not end it", async () => {
    let finish = (): void => undefined;
    const begun = Promise.withResolvers<void>();
    await using busy = await openPlace(ground, {
      driver: {
        stream: (call, { request }) => {
          call.write(Buffer.from([8, 1]));
          if (request.startingOffset > 0n) return void call.end();
          finish = () => {
            call.write(Buffer.from([8, 1, 24, 7]));
            call.end();
          };
          begun.resolve();
        },
      },
    });
    await putSnapshot(busy);
    await using server = await busy.start();
    await server.ready();
    const result = busy.ask(server);
    await begun.promise;
    await busy.admin.delete(VolumeSnapshot, { namespace: busy.namespace, name: "snap" });
    await eventually("it is gone", async () =>
      expect((await busy.ask(server, { startingOffset: 1n })).code).toBe(status.NOT_FOUND),
    );
    finish();
    expect(await result).toMatchObject({
      code: status.OK,
      messages: [Buffer.from([8, 1]), Buffer.from([8, 1, 24, 7])],
    });
  });

  it("objects without status are refused, and the program lives on", async () => {
    await putSnapshot(place, { name: "bare", snapshotStatus: null });
    await putSnapshot(place, { name: "bare-content", contentStatus: null });
    await putSnapshot(place, { name: "empty", snapshotStatus: {}, contentStatus: {} });
    for (const snapshotName of ["bare", "bare-content", "empty"]) {
      expect((await place.ask(sidecar, { snapshotName })).code, snapshotName).toBe(status.FAILED_PRECONDITION);
    }
    expect((await place.ask(sidecar)).code).toBe(status.OK);
  });
});
