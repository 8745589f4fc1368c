import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { makeServerCertificate } from "../../../pkg/runtime/certificates/index.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { openPlace, type Place } from "./place.ts";
import { takePort } from "./ports.ts";

let ground: Ground;
let place: Place;
beforeAll(async () => {
  ground = await openGround();
  place = await openPlace(ground);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** What became of a program that ends by itself. */
async function endOf(flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using program = place.launch(flags, env);
  const { code } = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

const withoutTls = (): string[] => place.flags.filter((flag) => !flag.startsWith("--tls-"));

describe("questions", () => {
  it.each(["--version", "-version", "--version=true"])("%s is answered, whatever else is missing", async (flag) => {
    const answer = { code: 0, stdout: `csi-snapshot-metadata v${manifest.version}\n`, stderr: "" };
    expect(await endOf([flag])).toEqual(answer);
  });

  it.each(["--help", "-h"])("%s goes to stdout, and nothing is served", async (flag) => {
    const { code, stdout, stderr } = await endOf([flag]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Usage: csi-snapshot-metadata \[flags\]/);
  });
});

describe("what is wrong with a command line", () => {
  it("is told all at once, each with its flag", async () => {
    const flags = [
      ...["--csi-address=tcp://1", "--http-endpoint=bogus", "--timeout=0", "--drain-timeout=-1s"],
      ...["--metrics-path=/healthz", "--port=99999", "--max-streaming-duration-min=x", "--bogus"],
    ];
    const { code, stdout, stderr } = await endOf(flags);
    expect([code, stdout]).toEqual([2, ""]);
    const named = [...stderr.matchAll(/: [^-]*--([a-z-]+)/g)].map(([, flag]) => flag);
    const expected = ["csi-address", "http-endpoint", "timeout", "drain-timeout", "metrics-path", "port"];
    expect(new Set(named)).toEqual(
      new Set([...expected, "max-streaming-duration-min", "bogus", "tls-cert", "tls-key"]),
    );
  });

  it.each(["--metrics-path=metrics", "--metrics-path=/health"])("%s alone is refused", async (flag) => {
    expect(await endOf([...place.flags, flag])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--metrics-path: "),
    });
  });
});

describe("ways to write a flag", () => {
  it("one dash or two, with = or a blank, as Go reads them", async () => {
    const flags = place.flags.flatMap((flag, at) => {
      const [name = "", ...value] = flag.replace(/^--/, at % 2 === 0 ? "-" : "--").split("=");
      return at % 3 === 0 ? [name, value.join("=")] : [`${name}=${value.join("=")}`];
    });
    await using program = place.launch(flags);
    expect((await program.logged("driver ready"))["driver"]).toBe(place.driverName);
  });

  it("the TLS files may come from the environment, and the flags win over it", async () => {
    const env = { TLS_CERT_PATH: place.files.cert, TLS_KEY_PATH: place.files.key };
    await using program = place.launch(withoutTls(), env);
    await program.logged("serving");
    await using same = place.launch(place.flags, { TLS_CERT_PATH: "nowhere", TLS_KEY_PATH: "nowhere" });
    await same.logged("serving");
    const { code, stderr } = await endOf(withoutTls(), { ...env, TLS_KEY_PATH: join(place.folder, "nowhere") });
    expect(code).toBe(1);
    expect(stderr).toMatch(/--tls-key=\S+nowhere: can not be read/);
  });
});

describe("what can not be read ends with code 2, before anything is done", () => {
  it.each<[string, string, RegExp]>([
    ["an unknown flag", "--tls-crt=x", /unknown flag --tls-crt \(did you mean --tls-cert\?\)/],
    ["a port that is no number", "--port=https", /--port: invalid integer "https"/],
    ["a duration without unit", "--timeout=60", /--timeout: .*"60"/],
    ["a TLS version nobody has", "--tls-min-version=VersionTLS10", /--tls-min-version: .*VersionTLS12, VersionTLS13/],
    ["an unsafe suite", "--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA", /--tls-cipher-suites: unknown or unsafe/],
    ["a suite of TLS 1.3", "--tls-cipher-suites=TLS_AES_128_GCM_SHA256", /can not be chosen/],
    ["a curve nobody has", "--tls-curve-preferences=P256", /--tls-curve-preferences: .*CurveP256/],
  ])("%s", async (_, flag, complaint) => {
    const { code, stdout, stderr } = await endOf([...place.flags, flag]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(complaint);
    expect(stderr).toContain('Run "csi-snapshot-metadata --help"');
  });

  it("all problems are told at once", async () => {
    const { code, stderr } = await endOf(["--port=x", "--timeout=y", "--nonsense"]);
    expect(code).toBe(2);
    for (const flag of ["--port", "--timeout", "--nonsense"]) expect(stderr).toContain(flag);
  });
});

describe("what can not work ends with code 1, naming flag and reason", () => {
  it("no TLS files", async () => {
    const { code, stderr } = await endOf(withoutTls());
    expect(code).toBe(1);
    expect(stderr).toMatch(/--tls-cert: is required, or TLS_CERT_PATH/);
    expect(stderr).toMatch(/--tls-key: is required, or TLS_KEY_PATH/);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    ["a port out of range", async () => "--port=70000", /--port: must be between/],
    ["a negative port", async () => "--port=-1", /--port: must be between/],
    ["a certificate that is not there", async () => "--tls-cert=/no/such.crt", /--tls-cert=\/no\/such.crt: can not be/],
    ["a key that is a folder", async () => `--tls-key=${place.folder}`, /--tls-key=\S+: can not be read: EISDIR/],
    ["a certificate that is none", async () => `--tls-cert=${place.files.key}`, /--tls-cert=\S+: not a PEM cert/],
    ["a key that is none", async () => `--tls-key=${place.files.cert}`, /--tls-key=\S+: not a PEM private key/],
    [
      "a key of another certificate",
      async () => {
        const { keyPem } = await makeServerCertificate(["localhost"]);
        const path = join(place.folder, "stranger.key");
        await writeFile(path, place.canaries.hideKey("a stranger's key", keyPem));
        return `--tls-key=${path}`;
      },
      /does not belong to the certificate of --tls-cert/,
    ],
    ["a kubeconfig that is not there", async () => "--kubeconfig=/no/such/config", /\/no\/such\/config/],
    [
      "a kubeconfig that is none",
      async () => {
        const path = join(place.folder, "broken-config");
        await writeFile(path, "{ this is: [no kubeconfig");
        return `--kubeconfig=${path}`;
      },
      /broken-config/,
    ],
    [
      "a kubeconfig without a cluster",
      async () => {
        const path = join(place.folder, "empty-config");
        await writeFile(path, "apiVersion: v1\nkind: Config\n");
        return `--kubeconfig=${path}`;
      },
      /empty-config/,
    ],
    ["no kubeconfig outside a cluster", async () => "--kubeconfig=", /--kubeconfig is not set, and this is no pod/],
    ["a driver address that is no socket", async () => "--csi-address=tcp://localhost:1", /csi-address|unix/],
    ["a driver address that is relative", async () => "--csi-address=csi.sock", /csi-address|absolute/],
    [
      "an HTTP address that is none",
      async () => "--http-endpoint=nonsense",
      /--http-endpoint: invalid address "nonsense"/,
    ],
  ])("%s", async (_, flag, complaint) => {
    const { code, stderr } = await endOf([...place.flags, await flag()]);
    expect(stderr).toMatch(complaint);
    expect(code).toBe(1);
  });

  it.each<[string, (port: number) => string]>([
    ["port", (port) => `--port=${port}`],
    ["http-endpoint", (port) => `--http-endpoint=:${port}`],
  ])("--%s that is taken", async (name, flagFor) => {
    await using taken = await takePort();
    const { code, stderr } = await endOf([...place.flags, flagFor(taken.port)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`--${name}[:=].*${taken.port}: .*EADDRINUSE`));
  });

  it("a driver that does not offer snapshot metadata", async () => {
    await using poor = await openPlace(ground, { driver: { services: [] } });
    await using program = poor.launch(poor.flags);
    expect(await program.ended).toEqual({ code: 1, signal: null });
    expect(program.stderr()).toContain(`driver ${poor.driverName} does not offer SNAPSHOT_METADATA_SERVICE`);
  });

  it("a folder in the place of the socket is waited out, as a driver that is still coming", async () => {
    const socket = join(place.folder, "not-a-socket");
    await mkdir(socket);
    await using sidecar = await place.start([`--csi-address=${socket}`]);
    await sidecar.logged("waiting for the CSI driver");
    expect(await sidecar.http("/readyz")).toMatchObject({ status: 503 });
  });
});
