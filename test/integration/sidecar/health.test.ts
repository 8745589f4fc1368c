import { Client, credentials, type StatusObject, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type HealthCheckResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../../pkg/gen/grpc/health/v1/health.ts";
import { eventually } from "../../support/eventually.ts";
import { rawDriver } from "../../support/raw-driver.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type Sidecar, untilReady } from "./place.ts";

let ground: Ground;
let place: Place;
beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground);
  await putSnapshot(place);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** Follows the health service as a client without a token does. */
function watchHealth({ port }: Sidecar) {
  const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(place.certificate.caPem)));
  const { watch, check } = HealthService;
  const stream = client.makeServerStreamRequest(watch.path, watch.requestSerialize, watch.responseDeserialize, {
    service: "",
  });
  const seen: number[] = [];
  stream.on("data", ({ status: now }: HealthCheckResponse) => seen.push(now));
  stream.on("error", () => undefined);
  const ended = new Promise<StatusObject>((resolve) => stream.on("status", resolve));
  return {
    seen,
    ended,
    check: (service: string) =>
      new Promise<number | string>((resolve) => {
        client.makeUnaryRequest(
          check.path,
          check.requestSerialize,
          check.responseDeserialize,
          { service },
          (error, answer) => resolve(error ? `${status[error.code]}` : (answer?.status ?? -1)),
        );
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

const pages = async (sidecar: Sidecar): Promise<string[]> =>
  await Promise.all(
    ["/health", "/healthz", "/readyz", "/metrics", "/nothing"].map(async (path) => {
      const { status: code, body } = await sidecar.http(path);
      return `${path} ${code} ${path === "/metrics" ? /^# HELP process_start_time_seconds/m.test(body) : body}`;
    }),
  );

const unready = [
  "/health 503 not ready",
  "/healthz 200 ok",
  "/readyz 503 not ready\nsnapshot-metadata/driver: the CSI driver is not ready",
  "/metrics 200 true",
  "/nothing 404 not found",
];
const ready = ["/health 200 ok", "/healthz 200 ok", "/readyz 200 ok", "/metrics 200 true", "/nothing 404 not found"];

describe("health, from before the driver to after the end", () => {
  it("follows the driver on both ports", async () => {
    await using driver = await rawDriver({ name: place.driverName });
    driver.kill();
    await using sidecar = await place.start([`--csi-address=${driver.socket}`]);
    using health = watchHealth(sidecar);
    await eventually("the first state", () => expect(health.seen).toEqual([Serving.NOT_SERVING]));
    expect(await health.check("")).toBe(Serving.NOT_SERVING);
    expect(await health.check("snapshotmetadata.SnapshotMetadata")).toBe("NOT_FOUND");
    expect(await pages(sidecar)).toEqual(unready);
    const early = await place.ask(sidecar);
    expect(early).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("driver") });

    await driver.start();
    await eventually("it serves", () => expect(health.seen).toEqual([Serving.NOT_SERVING, Serving.SERVING]));
    expect(await health.check("")).toBe(Serving.SERVING);
    expect(await pages(sidecar)).toEqual(ready);
    expect((await place.ask(sidecar)).code).toBe(status.OK);

    driver.kill();
    await eventually("the loss", () => expect(health.seen.slice(2)).toEqual([Serving.NOT_SERVING]));
    expect(await pages(sidecar)).toEqual(unready);
    expect((await place.ask(sidecar)).code).toBe(status.UNAVAILABLE);

    await driver.start();
    await untilReady(sidecar);
    await eventually("it serves again", () => expect(health.seen.slice(3)).toEqual([Serving.SERVING]));
    expect((await place.ask(sidecar)).code).toBe(status.OK);

    sidecar.kill("SIGTERM");
    expect(await health.ended).toMatchObject({ code: status.UNAVAILABLE });
    expect(health.seen.slice(4)).toEqual([Serving.NOT_SERVING]);
    expect(await sidecar.ended).toEqual({ code: 0, signal: null });
  });

  it("a driver of another name on the same socket is not taken for the old one", async () => {
    await using sidecar = await place.start();
    await sidecar.ready();
    place.driver.kill();
    await sidecar.logged("driver lost");
    // biome-ignore lint/correctness/noUnusedVariables: it serves until the end of the test
    await using stranger = await rawDriver({ name: "stranger.csi.test", socket: place.driver.socket });
    expect(await sidecar.ended).toEqual({ code: 1, signal: null });
    expect(sidecar.stderr()).toContain(`the driver was ${place.driverName} and is now stranger.csi.test`);
  });
});
