import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { message } from "../../support/metadata-messages.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { ask, askSince, useGround } from "./ask.ts";
import { openRig, untilReady } from "./rig.ts";
import { putSnapshot } from "./snapshots.ts";

const { ground, withRig } = useGround();

const codes = Object.values(status).filter((code): code is status => typeof code === "number" && code !== status.OK);

describe("a driver that fails", () => {
  it.each([0, 1, 17])(
    "after %i messages: they arrive, then its code, for every code and both methods",
    async (count) => {
      let code: number = status.OK;
      const stream = (call: RawDriverCall): void => {
        for (let n = 0; n < count; n++) call.write(message(n));
        call.emit("error", { code, details: `driver says ${code}` });
      };
      await withRig({ driver: { stream } }, async (rig) => {
        await putSnapshot(rig);
        const securityToken = await rig.token();
        for (code of [...codes, 77]) {
          const expected = code === status.UNKNOWN || code === 77 ? status.INTERNAL : code;
          for (const result of [await ask(rig, { securityToken }), await askSince(rig, { securityToken })]) {
            expect(result).toMatchObject({ code: expected, details: expect.stringContaining("driver says") });
            expect(result.messages, status[code]).toEqual(Array.from({ length: count }, (_, n) => message(n)));
          }
        }
      });
    },
  );

  it("with its last message: nothing is lost, and the stream is not complete", async () => {
    const stream = (call: RawDriverCall): void => {
      // In one turn: message and status leave in the same packet.
      call.write(message(0), () => undefined);
      call.emit("error", { code: status.DATA_LOSS, details: "half of it" });
    };
    await withRig({ driver: { stream } }, async (rig) => {
      await putSnapshot(rig);
      expect(await ask(rig)).toMatchObject({ code: status.DATA_LOSS, messages: [message(0)] });
    });
  });

  it("with words in other scripts, line breaks and no words at all", async () => {
    let details = "";
    const stream = (call: RawDriverCall) => void call.emit("error", { code: status.ABORTED, details });
    await withRig({ driver: { stream } }, async (rig) => {
      await putSnapshot(rig);
      for (details of ["größer als möglich – 容量", "a\nb%20", ""]) {
        expect(await ask(rig)).toMatchObject({ code: status.ABORTED, details });
      }
    });
  });

  it("in one stream leaves the streams beside it alone", async () => {
    const open: RawDriverCall[] = [];
    const stream = (call: RawDriverCall): void => {
      call.write(message(0));
      open.push(call);
    };
    await withRig({ driver: { stream } }, async (rig) => {
      await putSnapshot(rig);
      const securityToken = await rig.token();
      const results = [1, 2, 3].map(() => ask(rig, { securityToken }));
      await eventually("three streams", () => expect(open.length).toBe(3));
      open[1]?.emit("error", { code: status.INTERNAL, details: "only this one" });
      for (const call of [open[0], open[2]]) {
        call?.write(message(1));
        call?.end();
      }
      const ends = (await Promise.all(results)).map(({ code, messages }) => [code, messages.length]);
      expect(ends.toSorted()).toEqual([
        [status.OK, 2],
        [status.OK, 2],
        [status.INTERNAL, 1],
      ]);
    });
  });
});

describe("a driver that hangs", () => {
  it("before its first message: the caller's deadline ends the stream, and the driver is told", async () => {
    const open: RawDriverCall[] = [];
    await withRig({ driver: { stream: (call) => void open.push(call) } }, async (rig) => {
      await putSnapshot(rig);
      const securityToken = await rig.token();
      const request = { securityToken, namespace: rig.namespace, snapshotName: "snap" };
      const result = await rig.caller.allocated(request, { deadline: Date.now() + 800 });
      expect(result).toMatchObject({ code: status.DEADLINE_EXCEEDED, messages: [] });
      await eventually("the driver is told", () => expect(open.map(({ cancelled }) => cancelled)).toEqual([true]));
      await eventually("it is counted", async () =>
        expect((await rig.http("/metrics")).body).toMatch(/grpc_status_code="DeadlineExceeded".*_?\} 1/),
      );
    });
  });

  it("at its first word: not ready, calls are refused at once; met when it is replaced by one that answers", async () => {
    await using rig = await openRig(ground(), { flags: ["--timeout=300ms"] });
    await putSnapshot(rig);
    await untilReady(rig);
    rig.driver.kill();
    await rm(rig.driver.socket, { force: true });
    await using silent = await silentSocket(rig.driver.socket);
    await eventually("it is spoken to", () => expect(silent.connections()).toBeGreaterThan(0));
    await eventually("unready", async () => expect((await rig.http("/readyz")).status).toBe(503));
    expect((await rig.http("/healthz")).status).toBe(200);
    expect(await ask(rig)).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining("driver is not ready"),
    });
    await silent[Symbol.asyncDispose]();
    await rig.driver.start();
    await untilReady(rig);
    expect((await ask(rig)).code).toBe(status.OK);
  });

  it("before it has ever told its name: UNAVAILABLE at once, not at the deadline", async () => {
    await using rig = await openRig(ground(), { flags: ["--csi-address=/nowhere/csi.sock"] });
    await putSnapshot(rig);
    expect(await ask(rig)).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining("driver has not answered yet"),
    });
  });
});

/** Takes connections and never says a word. */
async function silentSocket(path: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  let closed = false;
  return {
    connections: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
