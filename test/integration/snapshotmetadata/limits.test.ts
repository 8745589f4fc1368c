import { once } from "node:events";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { GetMetadataAllocatedRequest } from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { manualClock, systemClock } from "../../../pkg/runtime/timing/index.ts";
import { eventually } from "../../support/eventually.ts";
import { framed, h2Caller, statusOf } from "../../support/h2-caller.ts";
import { makeIdentity } from "../../support/identity.ts";
import type { CallResult } from "../../support/metadata-call.ts";
import type { RawDriverScript } from "../../support/raw-driver.ts";
import { useGround } from "./ask.ts";
import { openRig, type Rig, type RigOptions, untilReady } from "./rig.ts";
import { putSnapshot } from "./snapshots.ts";

const { ground } = useGround();

async function withRig(options: RigOptions, test: (rig: Rig) => Promise<void>): Promise<void> {
  await using rig = await openRig(ground(), options);
  await putSnapshot(rig);
  await untilReady(rig);
  await test(rig);
}

const requestOf = (rig: Rig, securityToken: string) => ({
  securityToken,
  namespace: rig.namespace,
  snapshotName: "snap",
});
const ask = (rig: Rig, securityToken: string): Promise<CallResult> =>
  rig.caller.allocated(requestOf(rig, securityToken));
const bytesOf = (rig: Rig, securityToken: string): Uint8Array =>
  GetMetadataAllocatedRequest.encode(GetMetadataAllocatedRequest.fromPartial(requestOf(rig, securityToken))).finish();

/** A driver whose streams stay open until they are told to end. */
function openStreams() {
  const ends: (() => void)[] = [];
  const driver: RawDriverScript = {
    stream: (call) => {
      call.write(Buffer.from([8, 1]));
      ends.push(() => call.end());
    },
  };
  return { driver, ends };
}

async function newAccount(rig: Rig, name: string): Promise<string> {
  const rule = { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] };
  await makeIdentity(rig.admin, { namespace: rig.namespace, name }, [rule]);
  return name;
}

const anotherIdentity = async (rig: Rig): Promise<string> =>
  await rig.token({ account: await newAccount(rig, "other") });

const limited = async (rig: Rig, flag: string): Promise<number> => {
  const { body } = await rig.http("/metrics");
  return Number(new RegExp(`^snapshot_metadata_limited_total\\{limit="${flag}"\\} (\\d+)$`, "m").exec(body)?.[1] ?? 0);
};

/** Reads the fields of a message: number → last value. */
function fieldsOf(bytes: Uint8Array): Record<number, unknown> {
  const reader = new BinaryReader(bytes);
  const fields: Record<number, unknown> = {};
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    fields[tag >>> 3] = (tag & 7) === 2 ? Buffer.from(reader.bytes()) : Number(reader.int64());
  }
  return fields;
}

/** What both kinds of hint say, in milliseconds. */
function hintOf({ trailers, code, details }: CallResult): { pushback: number; info: number } {
  const pushback = Number(trailers.get("grpc-retry-pushback-ms")[0]);
  const rpcStatus = fieldsOf(trailers.get("grpc-status-details-bin")[0] as Buffer);
  expect([rpcStatus[1], String(rpcStatus[2])]).toEqual([code, details]);
  const any = fieldsOf(rpcStatus[3] as Buffer);
  expect(String(any[1])).toBe("type.googleapis.com/google.rpc.RetryInfo");
  const delay = fieldsOf(fieldsOf(any[2] as Buffer)[1] as Buffer);
  return { pushback, info: Number(delay[1] ?? 0) * 1000 + Number(delay[2] ?? 0) / 1e6 };
}

/** Refused, with the flag named and a hint for later. */
function expectLimit(result: CallResult, flag: string): void {
  expect(result.code).toBe(status.RESOURCE_EXHAUSTED);
  expect(result.details).toContain(`--${flag};`);
  const { pushback, info } = hintOf(result);
  expect(pushback).toBeGreaterThan(0);
  expect(info).toBe(pushback);
}

describe("what one identity may have, and all together", () => {
  it.each([
    ["max-streams-per-identity", true],
    ["max-streams", false],
  ])("--%s=2: the third stream is refused until one has ended", async (flag, othersAreServed) => {
    const { driver, ends } = openStreams();
    await withRig({ driver, flags: [`--${flag}=2`] }, async (rig) => {
      const [mine, theirs] = [await rig.token(), await anotherIdentity(rig)];
      const running = [ask(rig, mine), ask(rig, mine)];
      await eventually("two streams run", () => expect(ends.length).toBe(2));
      expectLimit(await ask(rig, mine), flag);
      const other = ask(rig, theirs);
      if (othersAreServed) await eventually("another's stream runs", () => expect(ends.length).toBe(3));
      else expectLimit(await other, flag);
      expect(await limited(rig, flag)).toBe(othersAreServed ? 1 : 2);
      ends[0]?.();
      // Which of the two came to the driver first is anybody's guess.
      expect((await Promise.race(running)).code).toBe(status.OK);
      const before = ends.length;
      const next = ask(rig, mine);
      await eventually("there is room again", () => expect(ends.length).toBe(before + 1));
      for (const end of ends) end();
      await Promise.all([...running, next, other]);
    });
  });

  it.each([
    ["call-qps-per-identity", status.OK],
    ["call-qps", status.RESOURCE_EXHAUSTED],
  ])("--%s=2: the third call at once is refused, and told when to come back", async (flag, others) => {
    const manual = manualClock(Date.now());
    const clock = { ...systemClock, monotonic: manual.monotonic };
    await withRig({ flags: [`--${flag}=2`], clock }, async (rig) => {
      const [mine, theirs] = [await rig.token(), await anotherIdentity(rig)];
      for (let n = 0; n < 2; n += 1) expect((await ask(rig, mine)).code).toBe(status.OK);
      const refused = await ask(rig, mine);
      expectLimit(refused, flag);
      expect(hintOf(refused).pushback).toBe(500);
      expect((await ask(rig, theirs)).code).toBe(others);
      await manual.advance(500);
      expect((await ask(rig, mine)).code).toBe(status.OK);
      expect((await ask(rig, mine)).code).toBe(status.RESOURCE_EXHAUSTED);
    });
  });

  it("a caller that has stopped reading holds its place until its stream is closed, deadline or not", async () => {
    let streams = 0;
    const driver: RawDriverScript = {
      stream: (call) => {
        call.write(Buffer.from([8, 1]));
        streams += 1;
        if (streams > 1) call.end();
      },
    };
    await withRig({ driver, flags: ["--max-streams-per-identity=1"] }, async (rig) => {
      const token = await rig.token();
      using caller = h2Caller({ ...rig, windowSize: 0 });
      const stalled = caller.open("GetMetadataAllocated", { "grpc-timeout": "1S" });
      stalled.end(framed(bytesOf(rig, token)));
      const closed = once(stalled, "close");
      await eventually("its call has ended", () => expect(rig.log()).toContain('"code":"DEADLINE_EXCEEDED"'));
      expectLimit(await ask(rig, token), "max-streams-per-identity");
      expect(stalled.closed).toBe(false);
      // The server closes it when the grace is over.
      await closed;
      await eventually("there is room", async () => expect((await ask(rig, token)).code).toBe(status.OK));
    });
  });

  it("a call that was refused for something else gives its place back", async () => {
    await withRig({ flags: ["--max-streams=1"] }, async (rig) => {
      const token = await rig.token();
      for (let n = 0; n < 3; n += 1) {
        const result = await rig.caller.allocated({ ...requestOf(rig, token), snapshotName: "gone" });
        expect(result.code).toBe(status.NOT_FOUND);
      }
      expect((await ask(rig, token)).code).toBe(status.OK);
    });
  });
});

describe("before anybody knows who is calling", () => {
  it("refusals do not fill the log, save one line a minute about what is not the caller's fault", async () => {
    const manual = manualClock(Date.now());
    const clock = { ...systemClock, monotonic: manual.monotonic };
    const levels = (rig: Rig, text: string) =>
      rig
        .log()
        .split("\n")
        .filter((line) => line.includes(text))
        .map((line) => (JSON.parse(line) as { level: unknown }).level);
    await withRig({ clock }, async (rig) => {
      expect((await ask(rig, "")).code).toBe(status.INVALID_ARGUMENT);
      expect((await ask(rig, "nobody")).code).toBe(status.UNAUTHENTICATED);
      expect(levels(rig, "call of a stranger refused")).toEqual(["debug", "debug"]);
      expect(levels(rig, "stream not completed")).toEqual([]);
      const token = await rig.token();
      expect((await rig.caller.allocated({ ...requestOf(rig, token), snapshotName: "gone" })).code).toBe(
        status.NOT_FOUND,
      );
      expect(levels(rig, "stream not completed")).toEqual(["info"]);
    });
    await withRig({ clock, announced: false }, async (rig) => {
      for (let n = 0; n < 3; n += 1) expect((await ask(rig, `nobody-${n}`)).code).toBe(status.INTERNAL);
      expect(levels(rig, "stream failed")).toEqual(["error"]);
      expect(levels(rig, "call of a stranger refused")).toEqual(["debug", "debug"]);
      await manual.advance(60_000);
      expect((await ask(rig, "nobody")).code).toBe(status.INTERNAL);
      expect(levels(rig, "stream failed")).toEqual(["error", "error"]);
    });
  });

  it("invalid tokens use up the allowance of their address, not of others, nor of tokens that were valid", async () => {
    const flags = ["--invalid-token-qps=0.001", "--invalid-token-burst=3", "--token-cache-ttl=0"];
    await withRig({ flags }, async (rig) => {
      const [valid, fresh] = [await rig.token(), await anotherIdentity(rig)];
      expect((await ask(rig, valid)).code).toBe(status.OK);
      for (let n = 0; n < 3; n += 1) expect((await ask(rig, `nobody-${n}`)).code).toBe(status.UNAUTHENTICATED);
      expectLimit(await ask(rig, "nobody-3"), "invalid-token-qps");
      // Asked about anew each time here, and never in the strangers' way.
      for (let n = 0; n < 5; n += 1) expect((await ask(rig, valid)).code).toBe(status.OK);
      // Not known yet, and of the address that has no allowance left.
      expect((await ask(rig, fresh)).code).toBe(status.RESOURCE_EXHAUSTED);
      using elsewhere = h2Caller({ port: rig.port, caPem: rig.caPem, localAddress: "127.0.0.2" });
      const { "grpc-status": code } = await elsewhere.call("GetMetadataAllocated", bytesOf(rig, fresh));
      expect(Number(code)).toBe(status.OK);
      // Known by now.
      expect((await ask(rig, fresh)).code).toBe(status.OK);
    });
  });

  it("a token that is turned away before its review counts among the limits, not among the reviews", async () => {
    const flags = ["--invalid-token-qps=0.001", "--invalid-token-burst=1"];
    await withRig({ flags }, async (rig) => {
      expect((await ask(rig, "nobody")).code).toBe(status.UNAUTHENTICATED);
      for (let n = 0; n < 3; n += 1) expectLimit(await ask(rig, `nobody-${n}`), "invalid-token-qps");
      const { body } = await rig.http("/metrics");
      expect(body).toContain('snapshot_metadata_token_answers_total{from="reviewed"} 1\n');
      expect(await limited(rig, "invalid-token-qps")).toBe(3);
    });
  });

  it("fresh tokens are taken on a connection that was found good, while its address floods from another", async () => {
    const flags = ["--invalid-token-qps=0.001", "--invalid-token-burst=2", "--token-cache-ttl=0"];
    await withRig({ flags }, async (rig) => {
      using backup = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      using flood = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      const codeOf = async (caller: typeof flood, token: string): Promise<number> =>
        Number((await caller.call("GetMetadataAllocated", bytesOf(rig, token)))["grpc-status"]);
      expect(await codeOf(backup, await rig.token())).toBe(status.OK);
      for (let n = 0; n < 2; n += 1) expect(await codeOf(flood, `nobody-${n}`)).toBe(status.UNAUTHENTICATED);
      expect(await codeOf(flood, "nobody-2")).toBe(status.RESOURCE_EXHAUSTED);
      for (let n = 0; n < 5; n += 1) {
        const fresh = await rig.token({ account: await newAccount(rig, `fresh-${n}`) });
        expect(await codeOf(backup, fresh)).toBe(status.OK);
      }
      // Nobody knows anything of this one yet.
      using late = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      expect(await codeOf(late, await rig.token({ account: await newAccount(rig, "late") }))).toBe(
        status.RESOURCE_EXHAUSTED,
      );
      // Good once, and no better than others for what it sends now.
      for (let n = 0; n < 2; n += 1) expect(await codeOf(backup, `no-one-${n}`)).toBe(status.UNAUTHENTICATED);
      expect(await codeOf(backup, "no-one-2")).toBe(status.RESOURCE_EXHAUSTED);
    });
  });

  it("calls whose requests do not come are counted, ended after ten seconds, and let go of", async () => {
    const manual = manualClock(Date.now());
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) =>
        ms === 10_000 ? manual.sleep(ms, signal) : systemClock.sleep(ms, signal),
    };
    const flag = "max-unauthenticated-calls-per-peer";
    await withRig({ flags: [`--${flag}=3`], clock }, async (rig) => {
      const token = await rig.token();
      // The certificate files are looked at as often.
      const others = manual.waiting;
      using caller = h2Caller(rig);
      const [first, ...rest] = [1, 2, 3].map(() => caller.open("GetMetadataAllocated"));
      await manual.sleepers(others + 3);
      expectLimit(await ask(rig, token), flag);
      using elsewhere = h2Caller({ port: rig.port, caPem: rig.caPem, localAddress: "127.0.0.2" });
      const { "grpc-status": code } = await elsewhere.call("GetMetadataAllocated", bytesOf(rig, token));
      expect(Number(code)).toBe(status.OK);
      first?.close(8);
      await eventually("who leaves makes room", async () => expect((await ask(rig, token)).code).toBe(status.OK));
      const ends = rest.map((each) => statusOf(each));
      const closed = rest.map((each) => once(each, "close"));
      await manual.advance(10_000);
      for (const end of await Promise.all(ends)) {
        expect(Number(end["grpc-status"])).toBe(status.DEADLINE_EXCEEDED);
        expect(String(end["grpc-message"])).toContain("did%20not%20arrive%20within%2010");
      }
      // Their half stays open if nobody resets it.
      await Promise.all(closed);
      expect((await ask(rig, token)).code).toBe(status.OK);
      await eventually("nothing is waited for", () => expect(manual.waiting).toBe(others));
      expect(await limited(rig, flag)).toBeGreaterThan(0);
    });
  });

  it("a connection that somebody known has called over has room of its own", async () => {
    const flag = "max-unauthenticated-calls-per-peer";
    await withRig({ flags: [`--${flag}=2`] }, async (rig) => {
      const token = await rig.token();
      expect((await ask(rig, token)).code).toBe(status.OK);
      using stranger = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      for (let n = 0; n < 3; n += 1) stranger.open("GetMetadataAllocated");
      await eventually("the strangers have all there is", async () => expect(await limited(rig, flag)).toBe(1));
      for (let n = 0; n < 3; n += 1) expect((await ask(rig, token)).code).toBe(status.OK);
      using late = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      const { "grpc-status": code } = await late.call("GetMetadataAllocated", bytesOf(rig, token));
      expect(Number(code)).toBe(status.RESOURCE_EXHAUSTED);
    });
  });

  it("refusals of invalid tokens are answered at a pace, and do not fill the log", async () => {
    const manual = manualClock(Date.now());
    const clock = {
      ...systemClock,
      monotonic: manual.monotonic,
      sleep: (ms: number, signal?: AbortSignal) =>
        ms === 2 ? manual.sleep(ms, signal) : systemClock.sleep(ms, signal),
    };
    const flags = ["--invalid-token-qps=0.001", "--invalid-token-burst=1"];
    await withRig({ flags, clock }, async (rig) => {
      const token = await rig.token();
      expect((await ask(rig, token)).code).toBe(status.OK);
      expect((await ask(rig, "nobody")).code).toBe(status.UNAUTHENTICATED);
      const refused = ask(rig, "nobody else");
      await manual.sleepers(1);
      // Who is known waits behind nobody.
      expect((await ask(rig, token)).code).toBe(status.OK);
      await manual.advance(2);
      expect((await refused).code).toBe(status.RESOURCE_EXHAUSTED);
      const lines = rig
        .log()
        .split("\n")
        .filter((line) => line.includes("call turned away"));
      expect(lines.map((line) => (JSON.parse(line) as { level: unknown }).level)).toEqual(["debug"]);
    });
  });

  it("health calls keep no unknown caller out, and are bounded among themselves", async () => {
    const flag = "max-unauthenticated-calls-per-peer";
    await withRig({ flags: [`--${flag}=2`] }, async (rig) => {
      using prober = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      const watch = () => {
        const stream = prober.open("grpc.health.v1.Health/Watch");
        stream.end(framed(Buffer.alloc(0)));
        return stream;
      };
      const watches = [watch(), watch()];
      await Promise.all(watches.map((each) => once(each, "response")));
      const third = watch();
      expect(Number((await statusOf(third))["grpc-status"])).toBe(status.RESOURCE_EXHAUSTED);
      expect(await limited(rig, flag)).toBe(1);
      using fresh = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      const { "grpc-status": code } = await fresh.call("GetMetadataAllocated", bytesOf(rig, await rig.token()));
      expect(Number(code)).toBe(status.OK);
      watches[0]?.close(8);
      await eventually("who leaves makes room", async () => {
        const next = watch();
        const [headers] = (await once(next, "response")) as [Record<string, unknown>];
        expect(headers["grpc-status"]).toBeUndefined();
      });
    });
  });

  it("a stream that runs does not count among the strangers", async () => {
    const { driver, ends } = openStreams();
    await withRig({ driver, flags: ["--max-unauthenticated-calls-per-peer=1"] }, async (rig) => {
      const token = await rig.token();
      const running = [];
      for (let n = 0; n < 3; n += 1) {
        running.push(ask(rig, token));
        await eventually("it runs", () => expect(ends.length).toBe(n + 1));
      }
      for (const end of ends) end();
      for (const { code } of await Promise.all(running)) expect(code).toBe(status.OK);
    });
  });

  it("connections of one address are counted, not those of another", async () => {
    await withRig({ flags: ["--max-connections-per-peer=1"] }, async (rig) => {
      const token = await rig.token();
      using first = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      expect((await first.call("GetMetadataAllocated", bytesOf(rig, token)))["grpc-status"]).toBe("0");
      const second = h2Caller({ ...rig, localAddress: "127.0.0.1" });
      await new Promise((resolve) => second.session.once("close", resolve));
      using third = h2Caller({ ...rig, localAddress: "127.0.0.2" });
      expect((await third.call("GetMetadataAllocated", bytesOf(rig, token)))["grpc-status"]).toBe("0");
      expect(await limited(rig, "max-connections-per-peer")).toBe(1);
    });
  });

  it("a request above 64 KiB that is never sent whole is refused, and its stream closed", async () => {
    await withRig({}, async (rig) => {
      using caller = h2Caller(rig);
      const stream = caller.open("GetMetadataAllocated");
      const head = Buffer.alloc(5);
      head.writeUInt32BE(1 << 20, 1);
      const closed = once(stream, "close");
      stream.write(head);
      expect(Number((await statusOf(stream))["grpc-status"])).toBe(status.RESOURCE_EXHAUSTED);
      await closed;
    });
  });

  it("a request above 64 KiB is refused unread", async () => {
    await withRig({}, async (rig) => {
      const result = await ask(rig, "x".repeat(65 * 1024));
      expect(result).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining("larger") });
    });
  });
});
