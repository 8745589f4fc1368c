import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Client, credentials, type StatusObject, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { makeServerCertificate } from "../../../pkg/runtime/certificates/index.ts";
import { processOptions } from "../../../pkg/runtime/lifecycle/index.ts";
import type { OptionSpec } from "../../../pkg/runtime/options/index.ts";
import { systemClock } from "../../../pkg/runtime/timing/index.ts";
import { metadataServer, serviceAnnouncement } from "../../../pkg/snapshotmetadata/index.ts";
import { eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { type RawDriver, type RawDriverScript, rawDriver } from "../../support/raw-driver.ts";
import { audience, type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { allRights } from "./announcement-rig.ts";
import { openPlace, type Place, type Sidecar } from "./place.ts";
import { freePort } from "./ports.ts";
import { startProgram } from "./program.ts";
import { handshake } from "./tls-client.ts";

/** What the driver was asked last: how much time it was given. */
const given = { probeMs: 0, streamMs: 0 };

/**
 * Leaves a stream open when asked for offset 1, sends one message and the end for offset 2, breaks a rule of streams for
 * offset 3, else just ends.
 */
const script: RawDriverScript = {
  ready: (deadlineMs) => {
    given.probeMs = deadlineMs - Date.now();
    return true;
  },
  stream: (call, { request }) => {
    given.streamMs = Number(call.getDeadline()) - Date.now();
    if (request.startingOffset > 0n) call.write(Buffer.from([8, 1]));
    if (request.startingOffset === 3n) call.write(Buffer.from([8, 2]));
    if (request.startingOffset !== 1n) call.end();
  },
};

let ground: Ground;
let place: Place;
let other: RawDriver;
const files = { cert: "", certPem: "", key: "" };

beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground, { driver: script, rules: allRights });
  await putSnapshot(place);
  other = await rawDriver({ name: "other.csi.test" });
  const certificate = await makeServerCertificate(["localhost"]);
  files.cert = join(place.folder, "other.crt");
  files.certPem = certificate.certPem;
  files.key = join(place.folder, "other.key");
  await writeFile(files.cert, certificate.certPem);
  await writeFile(files.key, place.canaries.hideKey("another TLS key", certificate.keyPem));
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** Starts with this flag beside those of the place, lets the test look, and ends the program. */
async function served<T>(flags: readonly string[], look: (sidecar: Sidecar) => Promise<T>): Promise<T> {
  await using sidecar = await place.start(flags);
  await sidecar.ready();
  return await look(sidecar);
}

/** What a program that ends by itself said, and its exit code. */
async function ended<T>(
  flags: readonly string[],
  look: (end: { code: number | null; output: string }) => T,
): Promise<T> {
  await using program = place.launch([...place.flags, ...flags]);
  const { code } = await program.ended;
  return look({ code, output: program.stdout() + program.stderr() });
}

/** Whether a program serves with this flag, or with which complaint it ends. */
async function servesOrSays(flag: string, complaint: RegExp): Promise<string> {
  await using program = place.launch([...place.flags, flag]);
  const serves = await program.logged("serving").then(
    () => true,
    () => false,
  );
  if (serves) return "serves";
  expect(await program.ended).toEqual({ code: 1, signal: null });
  return complaint.exec(program.stderr())?.[0] ?? program.stderr();
}

/** All that a program printed that ended well, or that it serves. */
async function printedOrServes(flag: string): Promise<string> {
  await using program = place.launch([...place.flags, flag]);
  const serves = await program.logged("serving").then(
    () => true,
    () => false,
  );
  if (serves) return "serves";
  expect(await program.ended).toEqual({ code: 0, signal: null });
  return program.stdout() + program.stderr();
}

/** How the program ends when told to while a stream is open that never ends by itself. */
async function endWithOpenStream(flags: readonly string[]): Promise<{ code: number | null; stream: number }> {
  return await served(flags, async (sidecar) => {
    const stream = place.ask(sidecar, { startingOffset: 1n });
    await eventually("the driver streams", () => expect(place.driver.seen.at(-1)?.request.startingOffset).toBe(1n));
    sidecar.kill("SIGTERM");
    const [{ code: streamCode }, { code }] = await Promise.all([stream, sidecar.ended]);
    place.driver.seen.length = 0;
    return { code, stream: streamCode };
  });
}

/** Sum of what callers waited for their turn at the API server, in seconds. */
async function waitedFor(flags: readonly string[]): Promise<string> {
  return await served(flags, async (sidecar) => {
    await place.ask(sidecar);
    const { body } = await sidecar.http("/metrics");
    const sums = [...body.matchAll(/^rest_client_rate_limiter_duration_seconds_sum\S* (\S+)$/gm)];
    return sums.reduce((sum, [, seconds]) => sum + Number(seconds), 0) > 0.02 ? "waits" : "at once";
  });
}

const limitAndOk: FlagCase["expected"] = [status.RESOURCE_EXHAUSTED, status.OK];

/** How a call ends while another one of the same caller runs. */
async function codeBesideOpenStream(flag: string): Promise<number> {
  return await served(["--drain-timeout=1ms", flag], async (sidecar) => {
    void place.ask(sidecar, { startingOffset: 1n });
    await eventually("the driver streams", () => expect(place.driver.seen.at(-1)?.request.startingOffset).toBe(1n));
    const { code } = await place.ask(sidecar);
    place.driver.seen.length = 0;
    return code;
  });
}

async function codeOfSecondCall(flag: string): Promise<number> {
  return await served([flag], async (sidecar) => {
    expect((await place.ask(sidecar)).code).toBe(status.OK);
    return (await place.ask(sidecar)).code;
  });
}

/** How a call with a second token of nobody ends. */
async function codeAfterInvalidTokens(flags: readonly string[]): Promise<number> {
  return await served(flags, async (sidecar) => {
    expect((await place.ask(sidecar, { securityToken: "nobody" })).code).toBe(status.UNAUTHENTICATED);
    return (await place.ask(sidecar, { securityToken: "nobody else" })).code;
  });
}

/** The most token reviews that the API server had to do at once when so many callers came together. */
async function reviewsAtOnce(flag: string, callers: number): Promise<number> {
  await using proxy = await FaultProxy.start(ground.kubeconfigText);
  await using slow = await openPlace(ground, { kubeconfigText: proxy.kubeconfig() });
  await using sidecar = await slow.start([flag]);
  await sidecar.ready();
  let [now, most] = [0, 0];
  proxy.fault = ({ path }) => {
    if (!path.endsWith("/tokenreviews")) return undefined;
    now += 1;
    most = Math.max(most, now);
    // Long enough for the others to come, if they may.
    const until = systemClock.sleep(300).then(() => {
      now -= 1;
    });
    return { type: "hold", until };
  };
  await Promise.all(
    Array.from({ length: callers }, (_, n) =>
      slow.ask(sidecar, { securityToken: slow.canaries.hideToken("t", `t-${n}-of-nobody`) }),
    ),
  );
  return most;
}

const allServiceFlags = (): string[] => [
  `--service-ca-file=${place.files.cert}`,
  "--service-address=localhost:6443",
  "--service-audience=metadata.csi.test",
];

/** What becomes of the SnapshotMetadataService object, freshly made or missing, when these flags are given. */
async function announced(flags: readonly string[], exists = true): Promise<SnapshotMetadataService | undefined> {
  const ref = { name: place.driverName };
  await place.admin.delete(SnapshotMetadataService, ref);
  const caCert = Buffer.from(place.certificate.caPem).toString("base64");
  const spec = { address: "localhost:1", audience, caCert };
  if (exists) await place.admin.create(SnapshotMetadataService, { metadata: ref, spec });
  const found = await served(flags, async (sidecar) => {
    await eventually("it was looked at", async () => {
      const { body } = await sidecar.http("/metrics");
      expect(body).toMatch(/^dp_reconciles_total\{controller="announcement",result="requeue"\} [1-9]/m);
    });
    return await place.admin.find(SnapshotMetadataService, ref);
  });
  if (found === undefined) await place.admin.create(SnapshotMetadataService, { metadata: ref, spec });
  return found;
}

const pemBlocksOf = (caCert: string): string[] =>
  Buffer.from(caCert, "base64")
    .toString("utf8")
    .match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];

/** Two values of a flag and what each leads to; everything else stays the same. */
interface FlagCase {
  readonly values: readonly [string, string];
  readonly expected: readonly [unknown, unknown];
  /** Gets the flag as it is given: `--name=value`. */
  readonly outcome: (flag: string) => Promise<unknown>;
}

const codeFor = (changes: Record<string, unknown>) => (flag: string) =>
  served([flag], async (sidecar) => (await place.ask(sidecar, changes)).code);

/** Statuses of these paths. */
const statuses =
  (...paths: string[]) =>
  (flag: string) =>
    served([flag], (sidecar) => Promise.all(paths.map(async (path) => (await sidecar.http(path)).status)));

const cases: Readonly<Record<string, () => Promise<FlagCase> | FlagCase>> = {
  "csi-address": () => ({
    values: [place.driver.socket, `unix://${other.socket}`],
    expected: [place.driverName, "other.csi.test"],
    outcome: (flag) => served([flag], async (sidecar) => (await sidecar.logged("driver ready"))["driver"]),
  }),
  timeout: () => ({
    values: ["7s", "1h30m"],
    expected: ["up to 7 s", "up to 5400 s"],
    outcome: (flag) =>
      served([flag], async () =>
        [7, 60, 5400].map((s) => (given.probeMs <= s * 1000 ? `up to ${s} s` : "")).find(Boolean),
      ),
  }),
  port: async () => {
    const ports = [await freePort(), await freePort()] as const;
    return {
      values: [String(ports[0]), String(ports[1])],
      expected: ports,
      outcome: (flag) => served([flag], async ({ port }) => port),
    };
  },
  "tls-cert": () => ({
    values: [place.files.cert, files.cert],
    expected: ["serves", `--tls-key=${place.files.key}: the key does not belong`],
    outcome: (flag) => servesOrSays(flag, /--tls-key=\S+: the key does not belong/),
  }),
  "tls-key": () => ({
    values: [place.files.key, files.key],
    expected: ["serves", `--tls-key=${files.key}: the key does not belong`],
    outcome: (flag) => servesOrSays(flag, /--tls-key=\S+: the key does not belong/),
  }),
  "tls-min-version": () => ({
    values: ["VersionTLS12", "VersionTLS13"],
    expected: ["TLSv1.2", "refused"],
    outcome: (flag) =>
      served([flag], async ({ port }) => {
        const old = handshake(port, place.certificate.caPem, { maxVersion: "TLSv1.2" });
        return await old.then(({ protocol }) => protocol).catch(() => "refused");
      }),
  }),
  "tls-cipher-suites": () => ({
    values: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
    expected: ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"],
    outcome: (flag) =>
      served([flag], async ({ port }) => {
        return (await handshake(port, place.certificate.caPem, { maxVersion: "TLSv1.2" })).cipher;
      }),
  }),
  "tls-curve-preferences": () => ({
    values: ["CurveP256", "X25519,CurveP384"],
    expected: [
      ["prime256v1", "refused"],
      ["refused", "secp384r1"],
    ],
    outcome: (flag) =>
      served([flag], ({ port }) => {
        const one = (ecdhCurve: string) =>
          handshake(port, place.certificate.caPem, { ecdhCurve }).then(
            ({ curve }) => curve,
            () => "refused",
          );
        return Promise.all([one("P-256"), one("P-384")]);
      }),
  }),
  audience: async () => {
    const securityToken = await place.token({ audience: "one.test" });
    return {
      values: ["one.test", "two.test"],
      expected: [status.OK, status.UNAUTHENTICATED],
      outcome: codeFor({ securityToken }),
    };
  },
  "max-streaming-duration-min": () => ({
    values: ["3", "0"],
    expected: [3, 10],
    outcome: (flag) =>
      served([flag], async (sidecar) => {
        // What the driver is given is the limit and a few seconds, so that it is never the first to give up.
        expect((await place.ask(sidecar)).code).toBe(status.OK);
        return Math.floor(given.streamMs / 60_000);
      }),
  }),
  kubeconfig: () => ({
    values: [place.files.kubeconfig, join(place.folder, "no-such-file")],
    expected: ["serves", "no-such-file"],
    outcome: (flag) => servesOrSays(flag, /no-such-file/),
  }),
  "kube-api-qps": () => ({
    values: ["0", "20"],
    expected: ["at once", "waits"],
    outcome: (flag) => waitedFor(["--kube-api-burst=1", flag]),
  }),
  "kube-api-burst": () => ({
    values: ["1", "1000"],
    expected: ["waits", "at once"],
    outcome: (flag) => waitedFor(["--kube-api-qps=20", flag]),
  }),
  "http-endpoint": async () => {
    const port = await freePort();
    return {
      values: [`127.0.0.1:${port}`, ""],
      expected: [port, 0],
      outcome: (flag) => served([flag], async ({ httpPort }) => httpPort),
    };
  },
  "metrics-path": () => ({
    values: ["/metrics", "/numbers"],
    expected: [
      [200, 404, 200],
      [404, 200, 200],
    ],
    outcome: statuses("/metrics", "/numbers", "/health"),
  }),
  "disable-metrics": () => ({
    values: ["false", "true"],
    expected: [
      [200, 200],
      [404, 200],
    ],
    outcome: statuses("/metrics", "/health"),
  }),
  "metrics-snapshot-labels": () => ({
    values: ["false", "true"],
    expected: ["", "snap"],
    outcome: (flag) =>
      served([flag], async (sidecar) => {
        await place.ask(sidecar);
        const { body } = await sidecar.http("/metrics");
        return /target_snapshot="(?:[^"]*\/)?([^"]*)"/.exec(body)?.[1];
      }),
  }),
  "stream-validation": () => ({
    values: ["strict", "warn"],
    expected: [status.INTERNAL, status.OK],
    outcome: codeFor({ startingOffset: 3n }),
  }),
  "max-connections-per-peer": () => ({
    values: ["1", "2"],
    expected: [status.UNAVAILABLE, status.OK],
    outcome: (flag) =>
      served([flag], async (sidecar) => {
        const taken = connect(sidecar.port, "127.0.0.1");
        await once(taken, "connect");
        const { code } = await place.ask(sidecar);
        taken.destroy();
        return code;
      }),
  }),
  "max-unauthenticated-calls-per-peer": () => ({
    values: ["1", "2"],
    expected: [status.RESOURCE_EXHAUSTED, status.OK],
    outcome: (flag) =>
      served([flag], async (sidecar) => {
        const client = new Client(
          `localhost:${sidecar.port}`,
          credentials.createSsl(Buffer.from(place.certificate.caPem)),
        );
        const asIs = (bytes: Buffer): Buffer => bytes;
        const watch = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", asIs, asIs, Buffer.alloc(0));
        watch.on("error", () => undefined);
        await once(watch, "data");
        // Health calls are counted by themselves: the watch has the only place, or one of two.
        const check = client.makeServerStreamRequest("/grpc.health.v1.Health/Check", asIs, asIs, Buffer.alloc(0));
        const code = await new Promise((resolve) =>
          check
            .on("error", () => undefined)
            .on("data", () => undefined)
            .on("status", (end: StatusObject) => resolve(end.code)),
        );
        watch.cancel();
        client.close();
        return code;
      }),
  }),
  "max-token-reviews": () => ({
    values: ["1", "0"],
    expected: [1, 3],
    outcome: (flag) => reviewsAtOnce(flag, 3),
  }),
  "invalid-token-qps": () => ({
    values: ["0.001", "0"],
    expected: [status.RESOURCE_EXHAUSTED, status.UNAUTHENTICATED],
    outcome: (flag) => codeAfterInvalidTokens(["--invalid-token-burst=1", flag]),
  }),
  "invalid-token-burst": () => ({
    values: ["1", "3"],
    expected: [status.RESOURCE_EXHAUSTED, status.UNAUTHENTICATED],
    outcome: (flag) => codeAfterInvalidTokens(["--invalid-token-qps=0.001", flag]),
  }),
  "max-streams": () => ({ values: ["1", "2"], expected: limitAndOk, outcome: codeBesideOpenStream }),
  "max-streams-per-identity": () => ({ values: ["1", "2"], expected: limitAndOk, outcome: codeBesideOpenStream }),
  "call-qps": () => ({ values: ["0.001", "0"], expected: limitAndOk, outcome: codeOfSecondCall }),
  "call-qps-per-identity": () => ({ values: ["0.001", "0"], expected: limitAndOk, outcome: codeOfSecondCall }),
  "token-cache-ttl": () => ({
    values: ["1h", "0"],
    expected: ["one review", "two reviews"],
    outcome: (flag) =>
      served([flag], async (sidecar) => {
        const securityToken = await place.token();
        for (let call = 0; call < 2; call += 1) {
          expect((await place.ask(sidecar, { securityToken })).code).toBe(status.OK);
        }
        const { body } = await sidecar.http("/metrics");
        return body.includes('snapshot_metadata_token_answers_total{from="cached"} 1') ? "one review" : "two reviews";
      }),
  }),
  "compat-codes": () => ({
    values: ["false", "true"],
    expected: [status.NOT_FOUND, status.UNAVAILABLE],
    outcome: codeFor({ snapshotName: "gone" }),
  }),
  "drain-timeout": () => ({
    values: ["100ms", "1h"],
    expected: [
      { code: 0, stream: status.UNAVAILABLE },
      { code: 1, stream: status.UNAVAILABLE },
    ],
    outcome: (flag) => endWithOpenStream(["--shutdown-timeout=3s", flag]),
  }),
  "service-ca-file": () => ({
    values: [place.files.cert, files.cert],
    expected: [
      [place.certificate.caPem, place.certificate.certPem],
      [place.certificate.caPem, files.certPem],
    ],
    outcome: async (flag) => {
      const service = await announced([flag]);
      return pemBlocksOf(service?.spec.caCert ?? "");
    },
  }),
  "service-address": () => ({
    values: ["one.test:1", "[::1]:6443"],
    expected: ["one.test:1", "[::1]:6443"],
    outcome: async (flag) => (await announced([flag]))?.spec.address,
  }),
  "service-audience": () => ({
    values: ["one.test", "two.test"],
    expected: ["one.test", "two.test"],
    outcome: async (flag) => (await announced([flag]))?.spec.audience,
  }),
  "service-create": () => ({
    values: ["true", "false"],
    expected: ["localhost:6443", undefined],
    outcome: async (flag) => (await announced([...allServiceFlags(), flag], false))?.spec.address,
  }),
  "service-ca-overlap": () => ({
    values: ["2h", "0"],
    expected: [2, "none"],
    outcome: async (flag) => {
      const service = await announced([`--service-ca-file=${files.cert}`, flag]);
      const note = Object.values(service?.metadata.annotations ?? {}).find((text) => text.startsWith("{")) ?? "{}";
      const times = Object.values<string>(JSON.parse(note)).filter((time) => time !== "");
      const hours = times.map((time) => Math.round((Date.parse(time) - Date.now()) / 3_600_000));
      return hours[0] || "none";
    },
  }),
  "shutdown-timeout": () => ({
    values: ["200ms", "1m"],
    expected: [
      { code: 1, stream: status.UNAVAILABLE },
      { code: 0, stream: status.UNAVAILABLE },
    ],
    outcome: (flag) => endWithOpenStream(["--drain-timeout=2s", flag]),
  }),
  version: () => ({
    values: ["true", "false"],
    expected: [`csi-snapshot-metadata v${manifest.version}\n`, "serves"],
    outcome: printedOrServes,
  }),
  "list-failpoints": () => ({ values: ["true", "false"], expected: ["", "serves"], outcome: printedOrServes }),
  "logging-format": () => ({
    values: ["json", "text"],
    expected: ["object", "text"],
    outcome: (flag) =>
      ended([flag, "--tls-cert=nowhere"], ({ output }) => (output.startsWith("{") ? "object" : "text")),
  }),
  v: () => ({
    values: ["0", "5"],
    expected: [["info"], ["info", "debug", "trace"]],
    outcome: (flag) =>
      served([flag], async (sidecar) => {
        expect((await place.ask(sidecar, { startingOffset: 2n })).messages.length).toBe(1);
        const levels: Readonly<Record<string, unknown>> = { info: 30, debug: 20, trace: 10 };
        const seen = await eventually("the end is logged", () => {
          const lines = sidecar.lines();
          expect(lines.some((line) => line["msg"] === "stream complete")).toBe(true);
          return new Set(lines.map((line) => line["level"]));
        });
        return Object.keys(levels).filter((name) => seen.has(name) || seen.has(levels[name]));
      }),
  }),
};

describe("each flag changes what the program does", () => {
  it.each(Object.keys(cases))("--%s", async (name) => {
    const { values, expected, outcome } = await (cases[name] as (typeof cases)[string])();
    expect(expected[0]).not.toEqual(expected[1]);
    for (const [at, value] of values.entries()) {
      expect(await outcome(`--${name}=${value}`), `--${name}=${value}`).toEqual(expected[at]);
    }
  });

  const specs: readonly OptionSpec<unknown>[] = [
    ...new Map(
      [metadataServer.options, serviceAnnouncement.options, processOptions]
        .flatMap((set) => Object.values<OptionSpec<unknown>>(set.specs))
        .map((spec) => [spec.flag, spec]),
    ).values(),
  ];
  const effective = specs.filter((spec) => !spec.compatOnly).map((spec) => spec.flag);

  it("and none is without its test", () => {
    expect(Object.keys(cases).toSorted()).toEqual(effective.toSorted());
  });

  it("and --help shows exactly these, and says of the rest that they change nothing", async () => {
    await using program = startProgram("csi-snapshot-metadata", ["--help"]);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    const entries = program
      .stdout()
      .split(/^ {2}--/m)
      .slice(1);
    const shown = entries.map((entry) => ({
      flag: /^\S+/.exec(entry)?.[0],
      compat: entry.replace(/\s+/g, " ").includes("accepted for compatibility, has no effect"),
    }));
    const known = specs.map(({ flag, compatOnly = false }) => ({ flag, compat: compatOnly }));
    expect(shown).toEqual(known);
  });

  it("and those kept for compatibility are accepted, in Go's ways to write them", async () => {
    const values: Readonly<Record<string, string>> = { boolean: "false", integer: "7", text: "something" };
    const compat = specs.filter((spec) => spec.compatOnly);
    expect(compat.length).toBeGreaterThan(10);
    const flags = compat.flatMap(({ flag, kind }, at) => {
      const dashes = at % 2 === 0 ? "-" : "--";
      const value = values[kind] as string;
      return kind !== "boolean" && at % 3 === 0 ? [`${dashes}${flag}`, value] : [`${dashes}${flag}=${value}`];
    });
    expect(await served(flags, async (sidecar) => (await place.ask(sidecar)).code)).toBe(status.OK);
  });
});
