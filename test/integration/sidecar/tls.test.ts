import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GetMetadataAllocatedRequest } from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { makeServerCertificate, type ServerCertificate } from "../../../pkg/runtime/certificates/index.ts";
import { eventually } from "../../support/eventually.ts";
import { collect, metadataCaller } from "../../support/metadata-call.ts";
import { MountedSecret } from "../../support/mounted-secret.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type Sidecar } from "./place.ts";
import { handshake } from "./tls-client.ts";

let ground: Ground;
let place: Place;
/** The driver's side of the stream that is open now. */
let open: RawDriverCall | undefined;

beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground, {
    driver: {
      stream: (call) => {
        open = call;
        call.write(Buffer.from([8, 1]));
      },
    },
  });
  await putSnapshot(place);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** The keys of a Secret of type kubernetes.io/tls. */
const keysOf = ({ cert, key }: { readonly cert: string; readonly key: string }) => ({
  "tls.crt": cert,
  "tls.key": key,
});

async function makePair(): Promise<ServerCertificate & { readonly cert: string; readonly key: string }> {
  const made = await makeServerCertificate(["localhost"]);
  place.canaries.hideKey("a rotated TLS key", made.keyPem);
  return { ...made, cert: made.certPem, key: made.keyPem };
}

/** Starts with the pair in a mounted secret. */
async function mounted(name: string, pair: { cert: string; key: string }) {
  const secret = new MountedSecret(join(place.folder, name));
  await secret.put(keysOf(pair));
  const flags = [`--tls-cert=${join(secret.folder, "tls.crt")}`, `--tls-key=${join(secret.folder, "tls.key")}`];
  const sidecar = await place.start(flags);
  await sidecar.ready();
  return { secret, sidecar };
}

async function openStream(sidecar: Sidecar, caPem: string) {
  const caller = metadataCaller(sidecar.port, caPem);
  const request = { securityToken: await place.token(), namespace: place.namespace, snapshotName: "snap" };
  const bytes = GetMetadataAllocatedRequest.encode(GetMetadataAllocatedRequest.fromPartial(request)).finish();
  const stream = caller.raw("GetMetadataAllocated", Buffer.from(bytes));
  const result = collect(stream);
  await new Promise((resolve) => stream.once("data", resolve));
  return { result, [Symbol.dispose]: () => caller[Symbol.dispose]() };
}

const reloads = async (sidecar: Sidecar, result: string): Promise<number> => {
  const { body } = await sidecar.http("/metrics");
  return Number(new RegExp(`^tls_certificate_reloads_total\\{result="${result}"\\} (\\d+)$`, "m").exec(body)?.[1] ?? 0);
};

describe("certificates", () => {
  it("rotate under the feet of running streams, as kubelet swaps them", async () => {
    const [before, after] = [await makePair(), await makePair()];
    const { secret, sidecar } = await mounted("rotated", before);
    await using _ = sidecar;
    using stream = await openStream(sidecar, before.caPem);
    await secret.put(keysOf(after));
    await eventually("new connections see the new certificate", () => handshake(sidecar.port, after.caPem));
    await expect(handshake(sidecar.port, before.caPem)).rejects.toThrow(/certificate|signature|issuer/i);
    expect(await reloads(sidecar, "taken")).toBe(1);
    open?.write(Buffer.from([8, 1]));
    open?.end();
    expect(await stream.result).toMatchObject({
      code: status.OK,
      messages: [Buffer.from([8, 1]), Buffer.from([8, 1])],
    });
    using caller = metadataCaller(sidecar.port, after.caPem);
    expect((await caller.allocated({})).code).toBe(status.INVALID_ARGUMENT);
  });

  it.each<[string, (pair: { cert: string; key: string }) => { cert: string; key: string }]>([
    ["garbage", () => ({ cert: "not a certificate", key: "not a key" })],
    ["a half-written pair", (pair) => ({ cert: pair.cert.slice(0, 100), key: pair.key })],
    ["an empty file", (pair) => ({ cert: pair.cert, key: "" })],
  ])("%s keeps the old pair, and is counted", async (name, spoil) => {
    const [before, after] = [await makePair(), await makePair()];
    const { secret, sidecar } = await mounted(`spoiled by ${name}`.replaceAll(" ", "-"), before);
    await using _ = sidecar;
    await secret.put(keysOf(spoil(after)));
    await eventually("it is counted", async () => expect(await reloads(sidecar, "refused")).toBe(1));
    await handshake(sidecar.port, before.caPem);
    await secret.put(keysOf(after));
    await eventually("a good pair is taken", () => handshake(sidecar.port, after.caPem));
  });

  it("rotate under load without a refused connection, garbage in between", async () => {
    const pairs = [await makePair(), await makePair(), await makePair(), await makePair()];
    const { secret, sidecar } = await mounted("under-load", pairs[0] as (typeof pairs)[0]);
    await using _ = sidecar;
    const anyOfThem = pairs.map(({ caPem }) => caPem).join("");
    const seen = new Map<string, number>();
    const refused: unknown[] = [];
    const over = new AbortController();
    const dial = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const { certificate } = await handshake(sidecar.port, anyOfThem);
        const name = certificate?.fingerprint256 ?? "";
        seen.set(name, (seen.get(name) ?? 0) + 1);
      }
    };
    // Calls over connections of their own, which is what clients do that come and go.
    const call = async (): Promise<void> => {
      while (!over.signal.aborted) {
        using caller = metadataCaller(sidecar.port, anyOfThem);
        const { code, details } = await caller.allocated({});
        if (code !== status.INVALID_ARGUMENT) throw new Error(`${code} ${details}`);
      }
    };
    const load = [dial, dial, dial, call].map((each) => each().catch((thrown: unknown) => refused.push(thrown)));
    for (const [at, pair] of pairs.slice(1).entries()) {
      await secret.put(keysOf({ cert: "not a certificate", key: pair.key }));
      await eventually("garbage is counted", async () => expect(await reloads(sidecar, "refused")).toBe(at + 1));
      await secret.put(keysOf(pair));
      await eventually("the pair is taken", async () => expect(await reloads(sidecar, "taken")).toBe(at + 1));
      await eventually("it is offered", () => expect(seen.size).toBe(at + 2));
    }
    over.abort();
    await Promise.all(load);
    expect(refused).toEqual([]);
  });

  it("a key of another certificate is not taken", async () => {
    const [before, after] = [await makePair(), await makePair()];
    const { secret, sidecar } = await mounted("mismatched", before);
    await using _ = sidecar;
    await secret.put(keysOf({ cert: after.cert, key: before.key }));
    await eventually("it is counted", async () => expect(await reloads(sidecar, "refused")).toBe(1));
    await handshake(sidecar.port, before.caPem);
  });
});

describe("what is offered without flags", () => {
  it("TLS 1.2 and 1.3, and nothing older", async () => {
    await using sidecar = await place.start();
    const { caPem } = place.certificate;
    expect((await handshake(sidecar.port, caPem)).protocol).toBe("TLSv1.3");
    expect((await handshake(sidecar.port, caPem, { maxVersion: "TLSv1.2" })).protocol).toBe("TLSv1.2");
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await expect(handshake(sidecar.port, caPem, old)).rejects.toThrow(/protocol version|unsupported/i);
  });

  it("no suite without authenticated encryption", async () => {
    await using sidecar = await place.start();
    const weak = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA" } as const;
    await expect(handshake(sidecar.port, place.certificate.caPem, weak)).rejects.toThrow(/handshake failure/i);
  });

  it("plain text is not answered", async () => {
    await using sidecar = await place.start();
    await expect(fetch(`http://127.0.0.1:${sidecar.port}/`)).rejects.toThrow();
  });
});
