import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type Sidecar } from "./place.ts";
import { freePort } from "./ports.ts";

let ground: Ground;
let place: Place;
/** The driver's side of the stream that is open now. */
let open: RawDriverCall | undefined;

beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground, {
    driver: {
      stream: (call) => {
        call.write(Buffer.from([8, 1]));
        open = call;
      },
    },
  });
  await putSnapshot(place);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** A program with a stream that goes on until the driver ends it. */
async function streaming(flags: readonly string[] = []) {
  open = undefined;
  const sidecar = await place.start(flags);
  await sidecar.ready();
  const result = place.ask(sidecar);
  const driver = await eventually("the driver streams", () => {
    if (open === undefined) throw new Error("not yet");
    return open;
  });
  return { sidecar, result, driver };
}

const refusesNew = async (sidecar: Sidecar): Promise<void> => {
  await eventually("new calls are refused", async () => {
    expect((await place.ask(sidecar)).code).toBe(status.UNAVAILABLE);
  });
};

describe("signals", () => {
  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)(
    "%s: streams may finish, then exit 0",
    async (signal) => {
      const { sidecar, result, driver } = await streaming();
      await using _ = sidecar;
      sidecar.kill(signal);
      expect(await sidecar.logged("stopping")).toMatchObject({ signal });
      await refusesNew(sidecar);
      expect((await sidecar.http("/readyz").catch(() => ({ status: 0 }))).status).not.toBe(200);
      driver.write(Buffer.from([8, 1]));
      driver.end();
      expect(await result).toMatchObject({ code: status.OK, messages: [Buffer.from([8, 1]), Buffer.from([8, 1])] });
      expect(await sidecar.ended).toEqual({ code: 0, signal: null });
    },
  );

  it("a stream that does not finish is told to resume elsewhere, the driver's is cancelled, exit 0", async () => {
    const { sidecar, result, driver } = await streaming(["--drain-timeout=200ms"]);
    await using _ = sidecar;
    sidecar.kill("SIGTERM");
    expect(await result).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("resume") });
    expect(await sidecar.ended).toEqual({ code: 0, signal: null });
    await eventually("the driver is told", () => expect(driver.cancelled).toBe(true));
  });

  it("a second signal ends it at once, and never as a complete stream", async () => {
    const { sidecar, result } = await streaming(["--drain-timeout=1h", "--shutdown-timeout=2h"]);
    await using _ = sidecar;
    sidecar.kill("SIGTERM");
    await sidecar.logged("stopping");
    sidecar.kill("SIGINT");
    expect(await sidecar.ended).toEqual({ code: 1, signal: null });
    expect((await result).code).not.toBe(status.OK);
  });

  it("stops while it still waits for the driver", async () => {
    await using sidecar = await place.start(["--csi-address=/nowhere/csi.sock"]);
    await sidecar.logged("waiting for the CSI driver");
    sidecar.kill("SIGTERM");
    expect(await sidecar.ended).toEqual({ code: 0, signal: null });
  });

  it("kill -9 ends streams with an error and leaves nothing that blocks a restart", async () => {
    const flags = [`--port=${await freePort()}`, `--http-endpoint=127.0.0.1:${await freePort()}`];
    const { sidecar, result } = await streaming(flags);
    sidecar.kill("SIGKILL");
    expect(await sidecar.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect((await result).code).toBe(status.UNAVAILABLE);
    const again = await streaming(flags);
    await using _ = again.sidecar;
    again.driver.end();
    expect((await again.result).code).toBe(status.OK);
  });
});
