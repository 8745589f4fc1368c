import type { Http2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { GetMetadataAllocatedResponse } from "../../../pkg/gen/csi/v1/csi.ts";
import { type CallResult, metadataCaller } from "../../support/metadata-call.ts";
import { blockBytes, message, messageOf, pour } from "../../support/metadata-messages.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { useGround } from "./ask.ts";
import { openRig, type Rig, type RigOptions, untilReady } from "./rig.ts";
import { putSnapshot } from "./snapshots.ts";

const { ground } = useGround();

type Asked = Readonly<{ startingOffset?: bigint; maxResults?: number }>;

async function request(rig: Rig, asked: Asked = {}) {
  return { securityToken: await rig.token(), namespace: rig.namespace, snapshotName: "snap", ...asked };
}

/** Asks a server with these flags, before a driver that does this. */
async function withRig(
  stream: (call: RawDriverCall) => void,
  flags: RigOptions["flags"],
  test: (rig: Rig) => Promise<void>,
): Promise<void> {
  await using rig = await openRig(ground(), { driver: { stream }, flags: flags ?? [] });
  await putSnapshot(rig);
  await untilReady(rig);
  await test(rig);
}

/** A driver that sends these messages, then says that it is complete. */
const sending =
  (messages: readonly Buffer[]) =>
  (call: RawDriverCall): void => {
    for (const each of messages) call.write(each);
    call.end();
  };

/** Bytes on the driver's HTTP/2 stream that grpc-js would not send. */
function sendBytes(call: RawDriverCall, bytes: Buffer): void {
  const { stream } = (call as unknown as { readonly call: { readonly stream: Http2Stream } }).call;
  call.sendMetadata(call.metadata);
  stream.write(bytes);
}

const tuplesOf = ({ messages }: CallResult): (readonly [bigint, bigint])[] =>
  messages.flatMap((each) =>
    GetMetadataAllocatedResponse.decode(each).blockMetadata.map(
      ({ byteOffset, sizeBytes }) => [byteOffset, sizeBytes] as const,
    ),
  );

const counted = (rig: Rig, rule: string, action: string, count: number): string =>
  `snapshot_metadata_stream_violations_total{driver_name="${rig.driverName}",rule="${rule}",action="${action}"} ${count}`;

const good = messageOf([
  [0, blockBytes],
  [blockBytes, blockBytes],
]);

/** What breaks a rule after the good message, and what the caller is told. */
const broken: readonly [rule: string, second: Buffer, offset: number][] = [
  ["order", messageOf([[blockBytes, blockBytes]]), blockBytes],
  ["size_bytes", messageOf([[3 * blockBytes, 0]]), 3 * blockBytes],
  ["byte_offset", messageOf([[-blockBytes, blockBytes]]), -blockBytes],
  ["fixed_length", messageOf([[3 * blockBytes, 1]]), 3 * blockBytes],
  ["block_metadata_type", messageOf([[3 * blockBytes, blockBytes]], { type: 2 }), 2 * blockBytes],
  ["volume_capacity_bytes", messageOf([[3 * blockBytes, blockBytes]], { capacity: 2n ** 51n }), 2 * blockBytes],
  ["malformed", Buffer.of(0x1a, 9, 8), 2 * blockBytes],
];

describe("a message that breaks a rule", () => {
  it.each(broken)("%s: ends the stream by default, and is not passed on", async (rule, second, offset) => {
    let cancelled = false;
    const driver = (call: RawDriverCall): void => {
      call.on("cancelled", () => {
        cancelled = true;
      });
      call.write(good);
      call.write(second);
    };
    await withRig(driver, [], async (rig) => {
      const result = await rig.caller.allocated(await request(rig));
      expect(result).toMatchObject({
        code: status.INTERNAL,
        details: expect.stringContaining(`rule ${rule} of the stream at offset ${offset}:`),
        messages: [good],
      });
      expect(cancelled).toBe(true);
      expect((await rig.http("/metrics")).body).toContain(counted(rig, rule, "ended", 1));
    });
  });

  it("is passed on, counted each time and logged once with --stream-validation=warn", async () => {
    const messages = [good, ...broken.map(([, second]) => second), ...broken.map(([, second]) => second)];
    await withRig(sending(messages), ["--stream-validation=warn"], async (rig) => {
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({ code: status.OK, messages });
      const { body } = await rig.http("/metrics");
      for (const [rule] of broken) {
        expect(body).toMatch(new RegExp(`rule="${rule}",action="forwarded"\\} [2-9]`));
        expect(rig.log().split(`"rule":"${rule}"`).length - 1).toBe(1);
      }
    });
  });

  it("is passed on unseen with --stream-validation=off", async () => {
    const messages = [good, ...broken.map(([, second]) => second)];
    await withRig(sending(messages), ["--stream-validation=off"], async (rig) => {
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({ code: status.OK, messages });
      expect((await rig.http("/metrics")).body).not.toContain("stream_violations_total{");
    });
  });

  it("is found in what the caller asked for", async () => {
    await withRig(sending([good]), [], async (rig) => {
      const ask = async (asked: Asked) => await rig.caller.allocated(await request(rig, asked));
      expect(await ask({ maxResults: 2, startingOffset: BigInt(blockBytes) - 1n })).toMatchObject({ code: status.OK });
      expect(await ask({ maxResults: 1 })).toMatchObject({ code: status.INTERNAL, messages: [] });
      expect(await ask({ startingOffset: BigInt(blockBytes) })).toMatchObject({
        code: status.INTERNAL,
        details: expect.stringContaining("rule starting_offset"),
      });
    });
  });

  it("loses none of the many before it", async () => {
    const driver = (call: RawDriverCall): void =>
      void pour(call, 3000, 300, () => {
        call.write(message(1));
        pour(call, 10, 300, () => call.end());
      });
    await withRig(driver, [], async (rig) => {
      const result = await rig.caller.allocated(await request(rig));
      expect([result.code, result.messages.length]).toEqual([status.INTERNAL, 3000]);
    });
  });
});

describe("what is no violation", () => {
  it("a range past the capacity is passed on and counted", async () => {
    const past = messageOf([[blockBytes, blockBytes]], { capacity: BigInt(blockBytes) });
    await withRig(sending([past]), [], async (rig) => {
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({ code: status.OK, messages: [past] });
      expect((await rig.http("/metrics")).body).toContain(counted(rig, "past_capacity", "forwarded", 1));
    });
  });

  it.each(["strict", "off"])("a stream without a block is counted when it is of allocated blocks, %s", async (mode) => {
    await withRig(sending([]), [`--stream-validation=${mode}`], async (rig) => {
      const { snapshotName: targetSnapshotName, ...rest } = await request(rig);
      expect((await rig.caller.allocated(await request(rig))).code).toBe(status.OK);
      expect((await rig.caller.allocated(await request(rig, { startingOffset: 4096n }))).code).toBe(status.OK);
      expect((await rig.caller.delta({ ...rest, targetSnapshotName, baseSnapshotId: "base" })).code).toBe(status.OK);
      const count = `snapshot_metadata_empty_allocated_streams_total{driver_name="${rig.driverName}"} 1`;
      expect((await rig.http("/metrics")).body).toContain(count);
    });
  });
});

describe("the size of a message", () => {
  const count = 700_000;
  const large = messageOf(Array.from({ length: count }, (_, n) => [n * 2 * blockBytes, blockBytes] as const));

  it.each(["strict", "warn", "off"])("above 4 MiB is split for clients of the usual limit, %s", async (mode) => {
    const driver = sending([large, messageOf([[count * 2 * blockBytes, blockBytes]])]);
    await withRig(driver, [`--stream-validation=${mode}`], async (rig) => {
      using usual = metadataCaller(rig.port, rig.caPem, "localhost", 2 ** 22);
      const result = await usual.allocated(await request(rig));
      expect(result).toMatchObject({ code: status.OK });
      expect(result.messages.length).toBe(Math.ceil(large.length / 2 ** 22) + 1);
      const tuples = tuplesOf(result);
      expect(tuples.length).toBe(count + 1);
      expect(tuples.findIndex(([offset]) => offset === BigInt(count - 1) * 8192n)).toBe(count - 1);
      const heads = result.messages.map((each) => {
        const { blockMetadataType, volumeCapacityBytes } = GetMetadataAllocatedResponse.decode(each);
        return [blockMetadataType, volumeCapacityBytes];
      });
      expect(new Set(heads.map(String))).toEqual(new Set([`1,${2n ** 50n}`]));
    });
  });

  it("above 4 MiB in one field can not be split: the stream ends before it", async () => {
    await withRig(sending([good, message(2, 5 << 20)]), ["--stream-validation=off"], async (rig) => {
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({
        code: status.INTERNAL,
        details: expect.stringContaining("can not be split"),
        messages: [good],
      });
    });
  });

  it("above 64 MiB ends the stream by its prefix alone", async () => {
    const prefix = Buffer.of(0, 0x04, 0, 0, 0x01);
    const driver = (call: RawDriverCall): void => {
      call.write(good);
      sendBytes(call, prefix);
    };
    await withRig(driver, ["--stream-validation=off"], async (rig) => {
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({
        code: status.INTERNAL,
        details: expect.stringContaining(`${2 ** 26 + 1} bytes`),
        messages: [good],
      });
    });
  });
});

describe("what can not be a message", () => {
  it("a compressed one ends the stream", async () => {
    const driver = (call: RawDriverCall): void => sendBytes(call, Buffer.of(1, 0, 0, 0, 0));
    await withRig(driver, ["--stream-validation=off"], async (rig) => {
      const details = expect.stringContaining("compressed");
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({ code: status.INTERNAL, details });
    });
  });

  it.each([
    ["in its prefix", Buffer.of(0, 0, 0)],
    ["in its bytes", Buffer.of(0, 0, 0, 0, 9, 8, 1)],
  ])("one cut off %s is not complete, whatever the driver says", async (_, bytes) => {
    const driver = (call: RawDriverCall): void => {
      call.write(good);
      sendBytes(call, bytes);
      call.end();
    };
    await withRig(driver, ["--stream-validation=off"], async (rig) => {
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({
        code: status.INTERNAL,
        details: expect.stringContaining("not complete"),
        messages: [good],
      });
    });
  });

  it("one cut off before the driver's own failure leaves that failure as it is", async () => {
    const driver = (call: RawDriverCall): void => {
      call.write(good);
      sendBytes(call, Buffer.of(0, 0, 0, 0, 9, 8, 1));
      call.emit("error", { code: status.ABORTED, details: "gave up" });
    };
    await withRig(driver, [], async (rig) => {
      const expected = { code: status.ABORTED, details: "gave up", messages: [good] };
      expect(await rig.caller.allocated(await request(rig))).toMatchObject(expected);
    });
  });
});
