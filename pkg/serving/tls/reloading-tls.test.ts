import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { Client, credentials, Server } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "../../runtime/log/index.ts";
import { createRegistry } from "../../runtime/metrics/index.ts";
import { listenGrpc } from "../grpc/index.ts";
import { type ReloadingTls, type ReloadingTlsOptions, reloadingTls } from "./index.ts";
import { type TestAuthority, type TestPair, testAuthority } from "./test-certificates.ts";

let authority: TestAuthority;
let folder: string;
let count = 0;

beforeAll(async () => {
  authority = await testAuthority();
  folder = await mkdtemp(join(tmpdir(), "serving-tls-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder as kubelet makes it: the files are links through `..data`, which is swapped as a whole. */
async function mounted() {
  const root = join(folder, `mount-${++count}`);
  await mkdir(root);
  let generation = 0;
  const swap = async (files: Record<string, string>): Promise<void> => {
    const target = `..${++generation}`;
    await mkdir(join(root, target));
    for (const [name, content] of Object.entries(files)) await writeFile(join(root, target, name), content);
    await symlink(target, join(root, "..tmp"));
    await rename(join(root, "..tmp"), join(root, "..data"));
  };
  await symlink("..data/tls.crt", join(root, "tls.crt"));
  await symlink("..data/tls.key", join(root, "tls.key"));
  return {
    certFile: join(root, "tls.crt"),
    keyFile: join(root, "tls.key"),
    swap: ({ cert, key }: TestPair) => swap({ "tls.crt": cert, "tls.key": key }),
    swapFiles: swap,
  };
}

type Mount = Awaited<ReturnType<typeof mounted>>;

async function load(mount: Mount, more: Partial<ReloadingTlsOptions> = {}) {
  const lines: string[] = [];
  const metrics = createRegistry();
  const log = createLogger({ name: "p", destination: { write: (line) => lines.push(line) } });
  const tls = await reloadingTls({
    certFile: mount.certFile,
    keyFile: mount.keyFile,
    log,
    metrics,
    pollMs: 1e9,
    ...more,
  });
  return { tls, lines, metrics };
}

/** A connection that is still open, and the common name it was shown. */
async function dial(port: number, options: object = {}): Promise<{ socket: TLSSocket; name: string }> {
  return await new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      ca: authority.pem,
      ALPNProtocols: ["h2", "http/1.1"],
      ...options,
    });
    socket.once("secureConnect", () => resolve({ socket, name: String(socket.getPeerCertificate().subject.CN) }));
    socket.once("error", reject);
  });
}

async function nameAt(port: number, options?: object): Promise<string> {
  const { socket, name } = await dial(port, options);
  socket.destroy();
  return name;
}

const path = "/test.Echo/Echo";
const raw = (bytes: Buffer): Buffer => bytes;

async function serveGrpc(tls: ReloadingTls) {
  const server = new Server();
  const shape = { requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw };
  server.addService(
    { echo: { path, requestStream: false, responseStream: false, ...shape } },
    { echo: (call: { request: Buffer }, reply: (error: null, bytes: Buffer) => void) => reply(null, call.request) },
  );
  const { port, close } = await listenGrpc(server, {
    address: "127.0.0.1:0",
    credentials: tls.serverCredentials,
    flag: "port",
  });
  const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(authority.pem)));
  return {
    port,
    echo: () =>
      new Promise<string>((resolve, reject) => {
        client.makeUnaryRequest(path, raw, raw, Buffer.from("hello"), (error, bytes) =>
          error === null ? resolve(String(bytes)) : reject(error),
        );
      }),
    [Symbol.dispose]() {
      client.close();
      server.forceShutdown();
      void close();
    },
  };
}

async function metric(metrics: { metrics(): Promise<string> }, name: string): Promise<number> {
  const line = (await metrics.metrics()).split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1));
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("rotation", () => {
  it("gives new connections the new certificate and leaves those that exist, as links are swapped", async () => {
    const mount = await mounted();
    await mount.swap(await authority.issue("first"));
    const { tls, metrics } = await load(mount);
    await using _ = tls;
    using server = await serveGrpc(tls);
    expect(await server.echo()).toBe("hello");
    const { socket, name } = await dial(server.port);
    expect(name).toBe("first");
    await mount.swap(await authority.issue("second"));
    await until(async () => (await nameAt(server.port)) === "second");
    expect(socket.destroyed).toBe(false);
    expect(await server.echo()).toBe("hello");
    expect(await metric(metrics, 'tls_certificate_reloads_total{result="taken"}')).toBe(1);
    expect(tls.certificate.subject).toBe("CN=second");
    socket.destroy();
  });

  it("notices by polling what the file system does not report", async () => {
    const mount = await mounted();
    await mount.swap(await authority.issue("first"));
    const elsewhere = join(folder, `elsewhere-${++count}`);
    await mkdir(elsewhere);
    // The watched folder holds only links to another folder, so nothing in it ever changes.
    const [certFile, keyFile] = [join(elsewhere, "c"), join(elsewhere, "k")];
    await symlink(mount.certFile, certFile);
    await symlink(mount.keyFile, keyFile);
    const { tls } = await load({ ...mount, certFile, keyFile }, { pollMs: 5 });
    await using _ = tls;
    await mount.swap(await authority.issue("polled"));
    await until(() => tls.certificate.subject === "CN=polled");
  });

  it("never refuses a connection while pairs are swapped under load", async () => {
    const mount = await mounted();
    const names = ["n0", "n1", "n2", "n3", "n4", "n5"];
    await mount.swap(await authority.issue("n0"));
    const { tls } = await load(mount, { pollMs: 1 });
    await using _ = tls;
    using server = await serveGrpc(tls);
    let swapping = true;
    const swaps = (async () => {
      for (const name of names.slice(1)) {
        await mount.swap(await authority.issue(name));
        await until(() => tls.certificate.subject === `CN=${name}`);
      }
      swapping = false;
    })();
    const seen = new Set<string>();
    while (swapping) seen.add(await nameAt(server.port));
    seen.add(await nameAt(server.port));
    await swaps;
    expect(names).toEqual(expect.arrayContaining([...seen]));
    expect(seen).toContain("n5");
  });

  it("keeps node:https servers on the current pair", async () => {
    const mount = await mounted();
    await mount.swap(await authority.issue("first"));
    const { tls } = await load(mount);
    await using _ = tls;
    const server = createHttpsServer(tls.context(), (_request, response) => response.end("ok"));
    tls.attach(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await nameAt(port)).toBe("first");
    await mount.swap(await authority.issue("second"));
    await tls.reload();
    expect(await nameAt(port)).toBe("second");
    server.close();
  });
});

describe("a bad pair", () => {
  it.each<[string, (good: TestPair, other: TestPair) => Record<string, string>, RegExp]>([
    [
      "key of another certificate",
      (a, b) => ({ "tls.crt": a.cert, "tls.key": b.key }),
      /the key does not belong to the certificate/,
    ],
    ["certificate that is none", (a) => ({ "tls.crt": "canary-noise", "tls.key": a.key }), /not a PEM certificate/],
    ["key that is none", (a) => ({ "tls.crt": a.cert, "tls.key": "canary-noise" }), /not a PEM private key/],
    ["half a certificate", (a) => ({ "tls.crt": a.cert.slice(0, 200), "tls.key": a.key }), /not a PEM certificate/],
    ["empty files", () => ({ "tls.crt": "", "tls.key": "" }), /not a PEM certificate/],
    ["missing key", (a) => ({ "tls.crt": a.cert }), /--tls-key=\S+tls\.key: can not be read: ENOENT/],
    ["endless file", (a) => ({ "tls.crt": "x".repeat(2 << 20), "tls.key": a.key }), /larger than 1048576 bytes/],
  ])("(%s) is logged and counted once, and the old one stays", async (_name, files, message) => {
    const mount = await mounted();
    await mount.swap(await authority.issue("good"));
    const { tls, lines, metrics } = await load(mount);
    await using _ = tls;
    using server = await serveGrpc(tls);
    const next = await authority.issue("next");
    await mount.swapFiles(files(next, await authority.issue("other")));
    await tls.reload();
    await tls.reload();
    expect(await nameAt(server.port)).toBe("good");
    const refused = lines.filter((line) => line.includes("new certificate refused"));
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatch(message);
    expect(refused[0]).not.toContain("canary-noise");
    expect(await metric(metrics, 'tls_certificate_reloads_total{result="refused"}')).toBe(1);
    await mount.swap(next);
    await until(() => tls.certificate.subject === "CN=next");
    expect(await nameAt(server.port)).toBe("next");
  });

  it.each<[string, Record<string, string>, string]>([
    ["missing certificate", {}, "--tls-cert=FOLDER/tls.crt: can not be read: ENOENT"],
    ["noise", { "tls.crt": "noise", "tls.key": "noise" }, "--tls-cert=FOLDER/tls.crt: not a PEM certificate"],
  ])("at the start is a failure: %s", async (_, files, message) => {
    const mount = await mounted();
    await mount.swapFiles(files);
    await expect(load(mount)).rejects.toThrow(message.replace("FOLDER", join(mount.certFile, "..")));
  });

  it("at the start is a failure: no path, other flags", async () => {
    await expect(reloadingTls({ certFile: "", keyFile: "", certFlag: "server-cert" })).rejects.toThrow(
      "--server-cert: the path of a file is required",
    );
  });
});

it("warns of a certificate that has expired, and tells when one will", async () => {
  const mount = await mounted();
  const expired = new Date(Date.now() - 1000);
  await mount.swap(await authority.issue("old", expired));
  const { tls, lines, metrics } = await load(mount);
  await using _ = tls;
  expect(lines.join()).toContain("certificate has expired");
  expect(await metric(metrics, "tls_certificate_not_after_timestamp_seconds")).toBe(
    Math.floor(expired.getTime() / 1000),
  );
});

describe("parameters", () => {
  const cases: [string, NonNullable<ReloadingTlsOptions["parameters"]>, object, string | RegExp][] = [
    ["default: TLS 1.3", {}, {}, "TLSv1.3"],
    ["default: TLS 1.2", {}, { maxVersion: "TLSv1.2" }, "TLSv1.2"],
    ["default: no CBC", {}, { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA" }, /handshake failure/],
    ["version 1.3: not 1.2", { tlsMinVersion: "VersionTLS13" }, { maxVersion: "TLSv1.2" }, /protocol version/],
    ["version 1.3: 1.3", { tlsMinVersion: "VersionTLS13" }, {}, "TLSv1.3"],
    [
      "suite: the chosen one",
      { tlsCipherSuites: ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"] },
      { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305" },
      "TLSv1.2",
    ],
    [
      "suite: no other",
      { tlsCipherSuites: ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"] },
      { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
      /handshake failure/,
    ],
    ["suite: TLS 1.3 stays", { tlsCipherSuites: ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"] }, {}, "TLSv1.3"],
    ["curve: the chosen one", { tlsCurvePreferences: ["CurveP384"] }, { ecdhCurve: "P-384" }, "TLSv1.3"],
    ["curve: no other", { tlsCurvePreferences: ["CurveP384"] }, { ecdhCurve: "X25519" }, /handshake failure/],
    ["curve: with ML-KEM", { tlsCurvePreferences: ["X25519MLKEM768"] }, { ecdhCurve: "X25519MLKEM768" }, "TLSv1.3"],
  ];
  it.each(cases)("%s, also after a reload", async (_, parameters, client, expected) => {
    const mount = await mounted();
    await mount.swap(await authority.issue("first"));
    const { tls } = await load(mount, { parameters });
    await using __ = tls;
    using server = await serveGrpc(tls);
    for (const round of ["first", "second"]) {
      await mount.swap(await authority.issue(round));
      await tls.reload();
      const dialled = dial(server.port, client).then(({ socket, name }) => {
        const version = socket.getProtocol();
        socket.destroy();
        return [name, version];
      });
      if (typeof expected === "string") expect(await dialled).toEqual([round, expected]);
      else await expect(dialled).rejects.toThrow(expected);
    }
  });
});
