import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { createEnv } from "../../runtime/lifecycle/index.ts";
import { createLogger } from "../../runtime/log/index.ts";
import { counter, createRegistry, gauge } from "../../runtime/metrics/index.ts";
import { createHttpEndpoint, type HttpEndpoint } from "./http-endpoint.ts";
import { createReadiness } from "./readiness.ts";
import { shareHttpEndpoint } from "./shared-endpoint.ts";

async function ask({ port }: Pick<HttpEndpoint, "port">, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return { status: response.status, body: await response.text(), headers: response.headers };
}

const address = "127.0.0.1:0";

describe("createHttpEndpoint", () => {
  it("tells liveness, readiness and the original's health", async () => {
    const ready = createReadiness({
      driver: () => "waiting for /run/csi/socket",
      cache: () => false,
      server: () => true,
    });
    await using endpoint = await createHttpEndpoint({ address, ready, healthPaths: ["/health"] });
    expect(await ask(endpoint, "/healthz")).toMatchObject({ status: 200, body: "ok" });
    expect(await ask(endpoint, "/readyz")).toMatchObject({
      status: 503,
      body: "not ready\ndriver: waiting for /run/csi/socket\ncache",
    });
    expect(await ask(endpoint, "/health")).toMatchObject({ status: 503, body: "not ready" });
  });

  it("follows the checks as they come, hold and go", async () => {
    const ready = createReadiness();
    await using endpoint = await createHttpEndpoint({ address, ready, healthPaths: ["/health"] });
    let holds = false;
    const check = ready.add("driver", () => holds);
    expect((await ask(endpoint, "/readyz")).status).toBe(503);
    holds = true;
    expect(await ask(endpoint, "/readyz")).toMatchObject({ status: 200, body: "ok" });
    expect(await ask(endpoint, "/health")).toMatchObject({ status: 200, body: "ok" });
    holds = false;
    check[Symbol.dispose]();
    expect((await ask(endpoint, "/readyz")).status).toBe(200);
    expect(() => createReadiness({ a: () => true }).add("a", () => true)).toThrow("named a already");
  });

  it.each([
    [undefined, "/metrics"],
    ["/custom", "/custom"],
  ])("serves metrics with metricsPath %s at %s", async (metricsPath, path) => {
    const registry = createRegistry();
    counter(registry, { name: "c_total", help: "c", labels: [] }).inc(3);
    await using endpoint = await createHttpEndpoint({ address, registry, ...(metricsPath && { metricsPath }) });
    const { status, body, headers } = await ask(endpoint, `${path}?collect=all`);
    expect([status, headers.get("content-type")]).toEqual([200, registry.contentType]);
    expect(body).toContain("c_total 3");
  });

  it("serves no metrics when turned off", async () => {
    await using endpoint = await createHttpEndpoint({ address, registry: createRegistry(), metricsPath: "" });
    expect((await ask(endpoint, "/metrics")).status).toBe(404);
  });

  it("answers 404, 405 and HEAD", async () => {
    await using endpoint = await createHttpEndpoint({ address });
    expect((await ask(endpoint, "/constructor")).status).toBe(404);
    const posted = await ask(endpoint, "/healthz", { method: "POST", body: "x" });
    expect([posted.status, posted.headers.get("allow"), posted.headers.get("connection")]).toEqual([
      405,
      "GET, HEAD",
      "close",
    ]);
    const head = await ask(endpoint, "/healthz", { method: "HEAD" });
    expect([head.status, head.body, head.headers.get("content-length")]).toEqual([200, "", "2"]);
  });

  it("hides why metrics could not be read, and logs it", async () => {
    const registry = createRegistry();
    gauge(registry, { name: "g", help: "g", labels: [] }, () => {
      throw new Error("inner reason");
    });
    const lines: string[] = [];
    const log = createLogger({ name: "p", destination: { write: (line) => lines.push(line) } });
    await using endpoint = await createHttpEndpoint({ address, registry, log });
    expect(await ask(endpoint, "/metrics")).toMatchObject({ status: 500, body: "internal error" });
    expect(lines.join()).toContain("inner reason");
  });

  it("refuses headers that are too large", async () => {
    await using endpoint = await createHttpEndpoint({ address });
    const { status } = await ask(endpoint, "/healthz", { headers: { "x-large": "x".repeat(20_000) } });
    expect(status).toBe(431);
  });

  it("closes although a client keeps its connection open or never asks", async () => {
    const endpoint = await createHttpEndpoint({ address });
    const silent = connect(endpoint.port, "127.0.0.1");
    const half = connect(endpoint.port, "127.0.0.1", () => half.write("GET /healthz HTTP/1.1\r\n"));
    await new Promise((resolve) => silent.once("connect", resolve));
    await ask(endpoint, "/healthz");
    await Promise.all([endpoint.close(), endpoint.close()]);
    await expect(ask(endpoint, "/healthz")).rejects.toThrow();
    silent.destroy();
    half.destroy();
  });

  it("names flag and address when it can not listen", async () => {
    await using first = await createHttpEndpoint({ address });
    const taken = createHttpEndpoint({ address: `127.0.0.1:${first.port}`, flag: "metrics-address" });
    await expect(taken).rejects.toThrow(`--metrics-address=127.0.0.1:${first.port}: can not listen: listen EADDRINUSE`);
    await expect(createHttpEndpoint({ address: "nonsense" })).rejects.toThrow(
      "--http-endpoint=nonsense: can not listen: invalid address",
    );
  });

  it("listens on all interfaces without a host", async () => {
    await using endpoint = await createHttpEndpoint({ address: ":0" });
    expect(endpoint.address).toBe(`:${endpoint.port}`);
    expect((await ask(endpoint, "/healthz")).status).toBe(200);
  });

  it("takes no path that only normalises to one of its own", async () => {
    await using endpoint = await createHttpEndpoint({ address });
    const status = await new Promise((resolve, reject) => {
      request({ port: endpoint.port, host: "127.0.0.1", path: "//healthz" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(404);
  });
});

describe("shareHttpEndpoint", () => {
  it("gives components of one process one server with the checks and paths of all", async () => {
    const env = createEnv();
    let ready = false;
    const a = await shareHttpEndpoint(env, {
      name: "a",
      address,
      checks: { driver: () => ready },
      healthPaths: ["/health"],
      metricsPath: "",
    });
    const b = await shareHttpEndpoint(env, { name: "b", address, checks: { cache: () => true }, metricsPath: "/m" });
    if (a === undefined) throw new Error("off");
    expect(b).toBe(a);
    expect(await ask(a, "/readyz")).toMatchObject({ status: 503, body: "not ready\na/driver" });
    ready = true;
    expect((await ask(a, "/health")).status).toBe(200);
    expect((await ask(a, "/m")).body).toContain("process_start_time_seconds");
    expect((await ask(a, "/metrics")).status).toBe(404);
    await env[Symbol.asyncDispose]();
    await expect(ask(a, "/healthz")).rejects.toThrow();
  });

  it("is off without an address", async () => {
    await using env = createEnv();
    expect(await shareHttpEndpoint(env, { name: "a", address: "" })).toBeUndefined();
  });
});
