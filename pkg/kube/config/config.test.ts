import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../testing/index.ts";
import { type LoadOptions, loadKubeConfig } from "./load.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
});
afterEach(() => rm(folder, { recursive: true }));

const server = "https://cluster.example.com:6443";
const named = (name: string, key: string, value: object) => ({ name, [key]: value });
const config = (name: string, user: object = {}, cluster: object = {}): string =>
  JSON.stringify({
    clusters: [named(name, "cluster", { server, ...cluster })],
    users: [named(name, "user", user)],
    contexts: [named(name, "context", { cluster: name, user: name, namespace: `${name}-ns` })],
    "current-context": name,
  });
const file = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
const load = (options: LoadOptions) => loadKubeConfig({ env: {}, freshMs: 0, ...options });
const headersOf = async (text: string) => (await load({ text }).credentials()).headers;

describe("where it is found", () => {
  test("the explicit file first, then $KUBECONFIG, then the home folder", async () => {
    const home = join(folder, "home");
    await mkdir(join(home, ".kube"), { recursive: true });
    await writeFile(join(home, ".kube", "config"), config("home"));
    const env = { HOME: home, KUBECONFIG: await file("env", config("env")) };
    const kubeconfig = await file("flag", config("flag"));
    expect(load({ kubeconfig, env })).toMatchObject({ context: "flag", namespace: "flag-ns", source: kubeconfig });
    expect(load({ kubeconfig: "", env }).context).toBe("env");
    expect(load({ env: { HOME: home } }).context).toBe("home");
  });

  test("a program of a cluster looks nowhere but in the explicit file and the pod", async () => {
    const home = join(folder, "home");
    await mkdir(join(home, ".kube"), { recursive: true });
    await Promise.all([writeFile(join(home, ".kube", "config"), config("home")), file("token", "one\n")]);
    const env = { HOME: home, KUBECONFIG: await file("env", config("env")) };
    const strict = (options: LoadOptions) => load({ inClusterOnly: true, serviceAccountDir: folder, ...options });
    const pod = { ...env, KUBERNETES_SERVICE_HOST: "10.0.0.1" };
    expect(strict({ kubeconfig: "", env: pod }).source).toBe("in-cluster");
    const kubeconfig = await file("flag", config("flag"));
    expect(strict({ kubeconfig, env: pod }).source).toBe(kubeconfig);
    expect(() => strict({ kubeconfig: "", env })).toThrow(/^--kubeconfig is not set, and this is no pod/);
  });

  test("files of $KUBECONFIG are merged: the first mention wins, missing ones are left out", async () => {
    const first = await file("first", config("same", { token: "first" }));
    const second = await file("second", config("same", { token: "second" }).replaceAll("same-ns", "late"));
    const third = await file("third", config("other", { token: "third" }));
    const env = { KUBECONFIG: [first, join(folder, "none"), second, third].join(":") };
    expect(load({ env })).toMatchObject({ context: "same", namespace: "same-ns" });
    expect((await load({ env }).credentials()).headers["authorization"]).toBe("Bearer first");
    expect((await load({ env, context: "other" }).credentials()).headers["authorization"]).toBe("Bearer third");
  });

  test("inside a pod: its token, authority and namespace, read again as they rotate", async () => {
    const authority = await createAuthority();
    await Promise.all([file("token", "one\n"), file("ca.crt", authority.pem), file("namespace", "mine\n")]);
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    const pod = load({ env, serviceAccountDir: folder });
    expect(pod).toMatchObject({ source: "in-cluster", namespace: "mine" });
    expect(pod.server.href).toBe("https://[fd00::1]/");
    const before = await pod.credentials();
    expect(before.headers["authorization"]).toBe("Bearer one");
    expect(before.tls).toMatchObject({ ca: Buffer.from(authority.pem), rejectUnauthorized: true });
    await file("token", "two");
    await file("ca.crt", (await createAuthority("next")).pem);
    const after = await pod.credentials();
    expect(after.headers["authorization"]).toBe("Bearer two");
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  test.each<[string, LoadOptions, string]>([
    ["nothing at all", { env: {} }, "neither --kubeconfig nor $KUBECONFIG is set"],
    ["a file that is not there", { kubeconfig: "/none/such" }, "kubeconfig /none/such: cannot be read: ENOENT"],
    ["a pod without token", { env: { KUBERNETES_SERVICE_HOST: "h" }, serviceAccountDir: "/none" }, "/none/token"],
    ["no mapping", { text: "hello" }, "expected a mapping"],
    ["an unknown context", { text: config("a"), context: "b" }, 'context "b" is not there (known: a)'],
    ["a cluster without server", { text: config("a", {}, { server: "" }) }, "cluster.server is missing"],
    ["plain http elsewhere", { text: config("a", {}, { server: "http://far.example.com" }) }, "must be https"],
    ["a strange proxy", { text: config("a", {}, { "proxy-url": "socks5://u:pw@h:1" }) }, "not socks5:"],
  ])("%s is told as it is", (_what, options, message) => {
    expect(() => load(options)).toThrow(message);
  });

  test("a broken file never shows its token", () => {
    const thrown = (() => {
      try {
        return load({ text: 'users: [{name: a, user: {token: "very-secret"\nclusters: [' });
      } catch (error) {
        return error as Error;
      }
    })();
    expect(thrown).toMatchObject({ kind: "terminal", reason: "KubeconfigInvalid" });
    expect(String(thrown)).not.toContain("very-secret");
  });
});

describe("who we are", () => {
  test("token, password, impersonation", async () => {
    expect(await headersOf(config("a", { token: "t" }))).toEqual({ authorization: "Bearer t" });
    const basic = Buffer.from("me:pw").toString("base64");
    expect(await headersOf(config("a", { username: "me", password: "pw" }))).toMatchObject({
      authorization: `Basic ${basic}`,
    });
    const acting = { token: "t", as: "eve", "as-groups": ["x", "y"], "as-uid": "7", "as-user-extra": { "a/b": ["c"] } };
    expect(await headersOf(config("a", acting))).toEqual({
      authorization: "Bearer t",
      "impersonate-user": "eve",
      "impersonate-group": ["x", "y"],
      "impersonate-uid": "7",
      "impersonate-extra-a%2Fb": ["c"],
    });
  });

  test("tokenFile is relative to the kubeconfig", async () => {
    await file("my-token", "from-file\n");
    const kubeconfig = await file("config", config("a", { tokenFile: "my-token" }));
    expect((await load({ kubeconfig }).credentials()).headers["authorization"]).toBe("Bearer from-file");
  });

  test("a client certificate and the TLS wishes of the cluster", async () => {
    const pair = await (await createAuthority()).issue("me");
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const user = { "client-certificate-data": base64(pair.cert), "client-key-data": base64(pair.key) };
    const cluster = { "insecure-skip-tls-verify": true, "tls-server-name": "other.example.com" };
    expect((await load({ text: config("a", user, cluster) }).credentials()).tls).toMatchObject({
      cert: Buffer.from(pair.cert),
      key: Buffer.from(pair.key),
      rejectUnauthorized: false,
      servername: "other.example.com",
    });
  });

  test("a rotation caught half-way keeps the old pair; the new one comes when it is whole", async () => {
    const authority = await createAuthority();
    const [old, next] = await Promise.all([authority.issue("old"), authority.issue("next")]);
    const paths = { "client-certificate": "me.crt", "client-key": "me.key" };
    await Promise.all([file("me.crt", old.cert), file("me.key", old.key)]);
    const loaded = load({ kubeconfig: await file("config", config("a", paths)) });
    const before = await loaded.credentials();
    await file("me.crt", next.cert);
    expect((await loaded.credentials()).fingerprint).toBe(before.fingerprint);
    await rm(join(folder, "me.key"));
    expect((await loaded.credentials()).fingerprint).toBe(before.fingerprint);
    await file("me.key", next.key);
    expect((await loaded.credentials()).tls.cert).toEqual(Buffer.from(next.cert));
  });

  test("a first pair that does not fit is refused", async () => {
    const authority = await createAuthority();
    const [one, other] = await Promise.all([authority.issue("one"), authority.issue("other")]);
    await Promise.all([file("me.crt", one.cert), file("me.key", other.key)]);
    const paths = { "client-certificate": "me.crt", "client-key": "me.key" };
    const loaded = load({ kubeconfig: await file("config", config("a", paths)) });
    await expect(loaded.credentials()).rejects.toMatchObject({ reason: "CredentialsUnreadable" });
  });
});

describe("credential plugins", () => {
  const apiVersion = "client.authentication.k8s.io/v1";
  const plugin = (script: string, extra: object = {}) =>
    config("a", { exec: { apiVersion, command: process.execPath, args: ["-e", script], ...extra } });
  const printing = (status: string) =>
    `const fs = require("fs"); const n = fs.existsSync(process.env.COUNT) ? Number(fs.readFileSync(process.env.COUNT)) + 1 : 1;
     fs.writeFileSync(process.env.COUNT, String(n));
     console.log(JSON.stringify({ apiVersion: "${apiVersion}", kind: "ExecCredential", status: ${status} }));`;
  const counted = () => ({ env: [{ name: "COUNT", value: join(folder, "count") }] });

  test("the token is used until it is about to end, then a new one is fetched", async () => {
    const status = `{ token: "t" + n, expirationTimestamp: new Date(Date.now() + (n === 1 ? 20000 : 3600000)).toISOString() }`;
    const loaded = load({ text: plugin(printing(status), counted()) });
    const tokens: unknown[] = [];
    for (let at = 0; at < 3; at++) tokens.push((await loaded.credentials()).headers["authorization"]);
    expect(tokens).toEqual(["Bearer t1", "Bearer t2", "Bearer t2"]);
    loaded.forget();
    expect((await loaded.credentials()).headers["authorization"]).toBe("Bearer t3");
  });

  test("it is told of the cluster when it asks", async () => {
    const script = `const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      console.log(JSON.stringify({ apiVersion: "${apiVersion}", kind: "ExecCredential", status: { token: spec.cluster.server } }));`;
    const loaded = load({ text: plugin(script, { provideClusterInfo: true }) });
    expect((await loaded.credentials()).headers["authorization"]).toBe(`Bearer ${server}`);
  });

  test("a child it leaves behind does not hold us up", async () => {
    const script = `require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 25000)"],
        { stdio: ["ignore", "inherit", "ignore"], detached: true }).unref();
      console.log(JSON.stringify({ apiVersion: "${apiVersion}", kind: "ExecCredential", status: { token: "t" } }));`;
    const loaded = load({ text: plugin(script), execTimeoutMs: 20_000 });
    expect((await loaded.credentials()).headers["authorization"]).toBe("Bearer t");
  });

  test("one that hangs is ended, also when it does not want to", async () => {
    const text = plugin(`process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`);
    const loaded = load({ text, execTimeoutMs: 300 });
    await expect(loaded.credentials()).rejects.toThrow("gave no answer within 300 ms");
  });

  test.each([
    ["fails", "process.exit(3)", "ended with code 3"],
    ["prints no JSON", `console.log("secret-token")`, "not JSON"],
    ["prints another kind", `console.log('{"kind":"Other"}')`, `expected ${apiVersion} ExecCredential`],
    [
      "gives nothing",
      `console.log('{"apiVersion":"${apiVersion}","kind":"ExecCredential","status":{}}')`,
      "neither status.token",
    ],
    ["floods", `process.stdout.write("x".repeat(3000000))`, "more than 1048576 bytes"],
  ])("one that %s is told of without its output", async (_what, script, message) => {
    const thrown = await load({ text: plugin(script, { installHint: "Install it." }) })
      .credentials()
      .then(
        () => undefined,
        (error: Error) => error,
      );
    expect(thrown?.message).toContain(message);
    expect(thrown?.message).not.toContain("secret-token");
  });
});

describe("proxies", () => {
  const proxyOf = (env: Record<string, string>, cluster: object = {}) =>
    load({ text: config("a", {}, cluster), env }).proxyUrl?.href;

  test("proxy-url beats the environment; NO_PROXY and loopback beat HTTPS_PROXY", () => {
    const env = { HTTPS_PROXY: "http://proxy.example.com:3128" };
    expect(proxyOf({})).toBeUndefined();
    expect(proxyOf(env)).toBe("http://proxy.example.com:3128/");
    expect(proxyOf({ https_proxy: "proxy.example.com:3128" })).toBe("http://proxy.example.com:3128/");
    expect(proxyOf(env, { "proxy-url": "https://own.example.com" })).toBe("https://own.example.com/");
    expect(proxyOf(env, { server: "https://127.0.0.1:6443" })).toBeUndefined();
    expect(proxyOf(env, { server: "https://localhost:6443" })).toBeUndefined();
  });

  test.each([
    ["cluster.example.com", "cluster.example.com", true],
    ["example.com", "cluster.example.com", true],
    [".example.com", "example.com", false],
    ["ample.com", "cluster.example.com", false],
    ["other.com, *", "cluster.example.com", true],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["fd00::/8", "[fd00::1]", true],
    ["cluster.example.com:6443", "cluster.example.com", true],
    ["cluster.example.com:443", "cluster.example.com", false],
    ["", "cluster.example.com", false],
  ])("NO_PROXY=%s covers %s: %s", (list, host, covered) => {
    const env = { HTTPS_PROXY: "http://proxy.example.com:3128", NO_PROXY: list };
    expect(proxyOf(env, { server: `https://${host}:6443` }) === undefined).toBe(covered);
  });
});
