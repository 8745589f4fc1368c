import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../../runtime/log/index.ts";
import { createKubeClient, loadKubeConfig } from "../client/index.ts";
import { reply, ScriptedServer } from "../testing/scripted-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An HTTP proxy that knows CONNECT; lets in who has the right password. */
async function startProxy(login?: string) {
  const connects: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer();
  proxy.on("connect", (request, socket: Socket) => {
    connects.push(request.url ?? "");
    const expected = login && `Basic ${Buffer.from(login).toString("base64")}`;
    if (expected && request.headers["proxy-authorization"] !== expected) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host = "", port = ""] = (request.url ?? "").split(":");
    const onward = connect(Number(port), host, () => socket.write("HTTP/1.1 200 Connection Established\r\n\r\n"));
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on("error", () => undefined);
    }
    socket.pipe(onward).pipe(socket);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  });
  return { connects, port: (proxy.address() as AddressInfo).port };
}

async function setUp(proxyLogin: string | undefined, ownLogin: string, http1Only = false) {
  const proxy = await startProxy(proxyLogin);
  const server = await ScriptedServer.start((_request, response) => reply(response, 200, {}), { http1Only });
  cleanups.push(() => server[Symbol.asyncDispose]());
  const text = server.kubeconfig(undefined, { "proxy-url": `http://${ownLogin}127.0.0.1:${proxy.port}` });
  const config = loadKubeConfig({ text, env: {} });
  const client = createKubeClient({ config, userAgent: "unit", log: silentLogger() });
  cleanups.push(() => client.close());
  return { proxy, server, client };
}

test.each([
  [false, "2.0"],
  [true, "1.1"],
])("requests go through the proxy's tunnel (HTTP/1.1 only: %s)", async (http1Only, version) => {
  const { proxy, server, client } = await setUp("me:p@ss", "me:p%40ss@", http1Only);
  await client.raw({ method: "GET", path: "/version" });
  await client.raw({ method: "GET", path: "/version" });
  expect(proxy.connects).toEqual([`127.0.0.1:${server.port}`]);
  expect(server.received.map((each) => each.httpVersion)).toEqual([version, version]);
});

test("a proxy that refuses is named, its password is not", async () => {
  const { proxy, client } = await setUp("me:right", "me:wrong-secret@");
  const thrown = await client.raw({ method: "GET", path: "/version" }).catch((error: Error) => error);
  expect(String(thrown)).toContain(`proxy 127.0.0.1:${proxy.port} answered 407`);
  expect(JSON.stringify(thrown) + (thrown as Error).stack).not.toContain("wrong-secret");
});

test.each([
  [
    "a certificate of an unknown authority",
    (_server: ScriptedServer) => ({ "certificate-authority-data": undefined }),
    /certificate/,
  ],
  ["a certificate for another name", () => ({ "tls-server-name": "other.example.com" }), /other\.example\.com/],
])("%s is refused", async (_what, cluster, message) => {
  const server = await ScriptedServer.start((_request, response) => reply(response, 200, {}));
  cleanups.push(() => server[Symbol.asyncDispose]());
  const config = loadKubeConfig({ text: server.kubeconfig(undefined, cluster(server)), env: {} });
  const client = createKubeClient({ config, userAgent: "unit", log: silentLogger() });
  cleanups.push(() => client.close());
  await expect(client.raw({ method: "GET", path: "/version" })).rejects.toThrow(message);
  expect(server.received).toEqual([]);
});

test.each([
  ["tls-server-name", { "tls-server-name": "inside.example.com" }, ["inside.example.com"]],
  [
    "insecure-skip-tls-verify",
    { "insecure-skip-tls-verify": true, "certificate-authority-data": undefined },
    ["x.example.com"],
  ],
])("%s is honoured", async (_what, cluster, names) => {
  const server = await ScriptedServer.start((_request, response) => reply(response, 200, {}), { names });
  cleanups.push(() => server[Symbol.asyncDispose]());
  const config = loadKubeConfig({ text: server.kubeconfig(undefined, cluster), env: {} });
  const client = createKubeClient({ config, userAgent: "unit", log: silentLogger() });
  cleanups.push(() => client.close());
  expect((await client.raw({ method: "GET", path: "/version" })).status).toBe(200);
});

test("a client certificate that rotates opens a new connection; what runs on the old one ends by itself", async () => {
  const held = Promise.withResolvers<() => void>();
  const server = await ScriptedServer.start(
    ({ path }, response) => {
      if (path === "/slow") held.resolve(() => reply(response, 200, { slow: true }));
      else reply(response, 200, {});
    },
    { requestCert: true },
  );
  cleanups.push(() => server[Symbol.asyncDispose]());
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const user = async (name: string) => {
    const pair = await server.authority.issue(name);
    return { "client-certificate-data": base64(pair.cert), "client-key-data": base64(pair.key) };
  };
  let config = loadKubeConfig({ text: server.kubeconfig(await user("one")), env: {} });
  const client = createKubeClient({
    config: { ...config, credentials: () => config.credentials(), forget: () => config.forget() },
    userAgent: "unit",
    log: silentLogger(),
  });
  cleanups.push(() => client.close());
  const slow = client.raw({ method: "GET", path: "/slow" });
  const answer = await held.promise;
  config = loadKubeConfig({ text: server.kubeconfig(await user("two")), env: {} });
  await client.raw({ method: "GET", path: "/fast" });
  expect(server.connections).toBe(2);
  answer();
  expect((await slow).body.toString()).toBe('{"slow":true}');
});
