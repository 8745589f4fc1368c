import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { ConfigMap, type Pod, Secret, ServiceAccount, TokenRequest, TokenReview } from "../../apis/core/index.ts";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import type { Failure } from "../../runtime/errors/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { createRegistry } from "../../runtime/metrics/index.ts";
import { loadKubeConfig } from "../config/index.ts";
import {
  type Received,
  reply,
  type Script,
  ScriptedServer,
  type ScriptedServerOptions,
  status,
} from "../testing/scripted-server.ts";
import { ApiError, isConflict, isExpired, isNotFound } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import { createKubeClient, type KubeClientOptions } from "./create.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(
  script: Script,
  options: Partial<KubeClientOptions> = {},
  serverOptions: ScriptedServerOptions = {},
) {
  const server = await ScriptedServer.start(script, serverOptions);
  cleanups.push(() => server[Symbol.asyncDispose]());
  const config = loadKubeConfig({ text: server.kubeconfig(), freshMs: 0, env: {} });
  const client = createKubeClient({ config, userAgent: "unit/1", log: silentLogger(), ...options });
  cleanups.push(() => client.close());
  return { server, client };
}

const configMap = (name: string, extra: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "a", resourceVersion: "7", ...extra },
});
const ref = { name: "one", namespace: "a" };
/** All that a log or a caller could be shown of an error. */
const everythingIn = (thrown: unknown): string => inspect(thrown, { depth: 20, maxStringLength: null });
const drain = async (events: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of events);
};
const failure = (promise: Promise<unknown>): Promise<Failure> =>
  promise.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (thrown) => thrown as Failure,
  );

describe("typed calls", () => {
  test("get sends token and name, over HTTP/2, and gives back the object", async () => {
    const { server, client } = await setUp((_request, response) => reply(response, 200, configMap("one")));
    const found = await client.get(ConfigMap, ref);
    expect(found.metadata.name).toBe("one");
    const [request] = server.received;
    expect(request).toMatchObject({ method: "GET", path: "/api/v1/namespaces/a/configmaps/one", httpVersion: "2.0" });
    expect(request?.headers).toMatchObject({ authorization: "Bearer test-token", "user-agent": "unit/1" });
  });

  test("writes go to the right path with the right body and type", async () => {
    const { server, client } = await setUp((_request, response) => reply(response, 200, configMap("one")));
    await client.create(ConfigMap, { metadata: { name: "one", namespace: "a" } });
    await client.update(ConfigMap, configMap("one"), { subresource: "status" });
    await client.patch(ConfigMap, ref, { type: "merge", body: { data: { a: "b" } } }, { fieldManager: "me" });
    await client.patch(ConfigMap, ref, { type: "json", body: [] });
    await client.patch(ConfigMap, ref, { type: "strategic", body: {} });
    await client.delete(ConfigMap, ref, { preconditions: { uid: "u" }, propagationPolicy: "Foreground" });
    await client.create(TokenRequest, { metadata: {}, spec: { audiences: ["x"] } }, { ...ref });
    await client.create(ServiceAccount, { metadata: {} }, { ...ref, subresource: "token" });
    await client.create(TokenReview, { metadata: {}, spec: { token: "t" } });
    const seen = server.received.map((each) => [each.method, each.path, each.headers["content-type"]].join(" "));
    expect(seen).toEqual([
      "POST /api/v1/namespaces/a/configmaps application/json",
      "PUT /api/v1/namespaces/a/configmaps/one/status application/json",
      "PATCH /api/v1/namespaces/a/configmaps/one?fieldManager=me application/merge-patch+json",
      "PATCH /api/v1/namespaces/a/configmaps/one application/json-patch+json",
      "PATCH /api/v1/namespaces/a/configmaps/one application/strategic-merge-patch+json",
      "DELETE /api/v1/namespaces/a/configmaps/one application/json",
      "POST /api/v1/namespaces/a/serviceaccounts/one/token application/json",
      "POST /api/v1/namespaces/a/serviceaccounts/one/token application/json",
      "POST /apis/authentication.k8s.io/v1/tokenreviews application/json",
    ]);
    expect(JSON.parse(server.received[0]?.body ?? "")).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
    expect(JSON.parse(server.received[5]?.body ?? "")).toEqual({
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: "u" },
      propagationPolicy: "Foreground",
    });
  });

  test.each(["", "..", "a/b", "a%2fb"])("a name %j that would lead elsewhere is refused", async (name) => {
    const { server, client } = await setUp((_request, response) => reply(response, 200, {}));
    const thrown = await failure(Promise.resolve().then(() => client.get(ConfigMap, { name, namespace: "a" })));
    expect(thrown).toMatchObject({ kind: "terminal", reason: "BadRequest" });
    expect(server.received).toHaveLength(0);
  });

  test("int64 comes and goes without loss", async () => {
    const text = `{"metadata":{"name":"one","namespace":"a"},"status":{"creationTime":1763000000123456789,"size":5}}`;
    const kind: Kind<KubeObject & { status?: { creationTime: bigint; size: bigint } }> = {
      ...ConfigMap,
      int64: ["status.creationTime", "status.size"],
    };
    const { server, client } = await setUp((_request, response) => reply(response, 200, text));
    const found = await client.get(kind, ref);
    expect(found.status).toEqual({ creationTime: 1763000000123456789n, size: 5n });
    await client.update(kind, found);
    expect(server.received[1]?.body).toContain(`"creationTime":1763000000123456789,"size":5`);
  });

  test("list items say what they are", async () => {
    const page = { metadata: { resourceVersion: "9" }, items: [{ metadata: { name: "one" } }] };
    const { client } = await setUp((_request, response) => reply(response, 200, page));
    expect((await client.list(ConfigMap)).items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
  });

  test("listAll follows pages, and starts again when a page token has expired", async () => {
    let expired = false;
    const { server, client } = await setUp(({ path }, response) => {
      const query = new URL(path, "https://x").searchParams;
      const page = Number(query.get("continue") ?? 0);
      if (page === 2 && !expired) {
        expired = true;
        return reply(response, 410, status(410, "Expired", "The provided continue parameter is too old"));
      }
      const metadata = { resourceVersion: "9", ...(page < 2 ? { continue: String(page + 1) } : {}) };
      return reply(response, 200, { metadata, items: [configMap(`item-${page}`)] });
    });
    const all = await client.listAll(ConfigMap, { namespace: "a" });
    expect(all.items.map((each) => each.metadata.name)).toEqual(["item-0", "item-1", "item-2"]);
    expect(all.resourceVersion).toBe("9");
    expect(server.received).toHaveLength(6);
    expect(server.received[0]?.path).toContain("limit=500");
  });
});

describe("refusals", () => {
  test("keep the server's words and never the token", async () => {
    const details = { name: "one", kind: "configmaps", causes: [{ reason: "FieldValueInvalid", field: "data" }] };
    const { client } = await setUp((_request, response) =>
      reply(response, 422, status(422, "Invalid", "data is wrong", details)),
    );
    const thrown = (await failure(client.get(ConfigMap, ref))) as ApiError;
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({ status: 422, reason: "Invalid", message: "data is wrong", kind: "terminal" });
    expect(thrown).toMatchObject({ method: "GET", path: "/api/v1/namespaces/a/configmaps/one", details });
    expect(JSON.stringify({ ...thrown }) + thrown.stack).not.toContain("test-token");
  });

  test("404 is undefined for find", async () => {
    const { client } = await setUp((_request, response) => reply(response, 404, status(404, "NotFound", "gone")));
    expect(await client.find(ConfigMap, ref)).toBeUndefined();
    expect(isNotFound(await failure(client.get(ConfigMap, ref)))).toBe(true);
  });

  test("a conflict is told from a taken name", async () => {
    const answers = ["Conflict", "AlreadyExists"];
    const { client } = await setUp((_request, response) =>
      reply(response, 409, status(409, answers.shift() ?? "", "no")),
    );
    expect(isConflict(await failure(client.get(ConfigMap, ref)))).toBe(true);
    expect(isConflict(await failure(client.get(ConfigMap, ref)))).toBe(false);
  });

  test("a page that is no Status is quoted, trimmed", async () => {
    const { client } = await setUp((_request, response) => reply(response, 502, `<html>\u0007oops${"x".repeat(5000)}`));
    const thrown = (await failure(client.get(ConfigMap, ref))) as ApiError;
    expect(thrown.message).toMatch(/^the server answered 502 Bad Gateway to GET .*: <html> oopsx+…$/);
    expect(thrown.message.length).toBeLessThan(1300);
  });

  test("a page with status 200 is a refusal too", async () => {
    const { client } = await setUp((_request, response) => reply(response, 200, "<html>log in</html>"));
    const thrown = await failure(client.get(ConfigMap, ref));
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown.message).toMatch(/^the server answered 200 OK to GET .* without an object$/);
  });

  test.each([
    ["GET", 200, (client: KubeClient) => client.get(Secret, ref)],
    ["POST", 201, (client: KubeClient) => client.create(Secret, { metadata: { name: "one", namespace: "a" } })],
    ["list", 200, (client: KubeClient) => client.list(Secret)],
  ])("a good answer that breaks off is never quoted: %s", async (_, code, call) => {
    const { client } = await setUp((_request, response) =>
      reply(response, code, '{"kind":"Secret","data":{"a":"aHVzaC0x'),
    );
    expect(everythingIn(await failure(call(client)))).not.toContain("aHVzaC0x");
  });

  test.each([
    ["a line that is no JSON", '{"type":"ADDED","object":{"data":"aHVzaC0x}\n'],
    ["a line that breaks off early", "aHVzaC0x\n"],
    ["an error that is no Status", '{"type":"ERROR","object":{"kind":"Secret","data":{"a":"aHVzaC0x"}}}\n'],
  ])("a watch never quotes what it got: %s", async (_, line) => {
    const { client } = await setUp((_request, response) => reply(response, 200, line));
    const thrown = await failure(drain(client.watch(Secret)));
    expect(everythingIn(thrown)).not.toContain("aHVzaC0x");
  });

  const spoken = 'spec"token\\with=quotes/and-more';
  const tokenOf = (body: string): string => (body === "" ? "" : JSON.parse(body).spec.token);
  const echoes: [string, (request: Received) => string][] = [
    ["as it came", ({ headers, body }) => `${headers["authorization"]} ${body}`],
    ["far behind, cut in the middle of a token", ({ body }) => "x".repeat(970) + body],
    ["in base64", ({ headers, body }) => Buffer.from(`${headers["authorization"]} ${body}`).toString("base64")],
    [
      "in base64, shifted by one",
      ({ headers, body }) => Buffer.from(` ${headers["authorization"]}${body}`).toString("base64"),
    ],
    [
      "in base64, shifted by two",
      ({ headers, body }) => Buffer.from(`  ${headers["authorization"]}${body}`).toString("base64url"),
    ],
    [
      "each alone in base64",
      ({ body }) => `${Buffer.from("test-token").toString("base64")} ${Buffer.from(tokenOf(body)).toString("base64")}`,
    ],
    ["as JSON", ({ headers, body }) => JSON.stringify({ headers, body })],
    [
      "as a Status",
      ({ headers, body }) =>
        JSON.stringify(
          status(502, "Bad", `got ${headers["authorization"]} ${body}`, {
            name: tokenOf(body),
            causes: [
              { message: `value ${JSON.stringify(tokenOf(body))}`, field: "spec.token" },
              { message: "test-token" },
            ],
          }),
        ),
    ],
  ];
  test.each(echoes)("a gateway that echoes the request, %s, brings no token into the error", async (_, echo) => {
    const { client } = await setUp((request, response) => reply(response, 502, echo(request)));
    const calls = [
      () => client.create(TokenReview, { metadata: {}, spec: { token: spoken } }),
      () => drain(client.watch(ConfigMap)),
    ];
    for (const call of calls) {
      const held = everythingIn(await failure(call()));
      const decoded = held
        .split(/[^\w+/=-]+/)
        .map((word) => Buffer.from(word, "base64").toString("latin1"))
        .join(" ");
      for (const part of ["test-token", "st-tok", "with=quotes", "quotes/and"]) {
        expect(held).not.toContain(part);
        expect(decoded).not.toContain(part);
      }
    }
  });
});

describe("trying again", () => {
  test.each([
    [429, {}],
    [429, { "retry-after": "0" }],
    [503, { "retry-after": "0" }],
  ])("%i with %j is answered by another try", async (code, headers) => {
    let calls = 0;
    const { client } = await setUp((_request, response) => {
      if (calls++ < 2) return reply(response, code, status(code, "TooManyRequests", "slow down"), headers);
      return reply(response, 200, configMap("one"));
    });
    await client.create(ConfigMap, configMap("one"));
    expect(calls).toBe(3);
  });

  test("tries are bounded", async () => {
    let calls = 0;
    const { client } = await setUp((_request, response) => {
      calls++;
      reply(response, 429, status(429, "TooManyRequests", "never"), { "retry-after": "0" });
    });
    expect(await failure(client.get(ConfigMap, ref))).toMatchObject({ status: 429, kind: "waiting", retryAfterMs: 0 });
    expect(calls).toBe(7);
  });

  test("a Retry-After beyond the deadline is told at once", async () => {
    let calls = 0;
    const { client } = await setUp((_request, response) => {
      calls++;
      reply(response, 429, status(429, "TooManyRequests", "later"), { "retry-after": "120" });
    });
    expect(await failure(client.get(ConfigMap, ref))).toMatchObject({ status: 429, recheckMs: 120_000 });
    expect(calls).toBe(1);
  });

  test("raw leaves 429 to its caller unless asked", async () => {
    let calls = 0;
    const { client } = await setUp((_request, response) => reply(response, ++calls < 3 ? 429 : 200, "{}"));
    expect((await client.raw({ method: "GET", path: "/x" })).status).toBe(429);
    expect((await client.raw({ method: "GET", path: "/x", retry: true })).status).toBe(200);
  });

  test("503 without Retry-After is final", async () => {
    let calls = 0;
    const { client } = await setUp((_request, response) => {
      calls++;
      reply(response, 503, status(503, "ServiceUnavailable", "down"));
    });
    expect(await failure(client.get(ConfigMap, ref))).toMatchObject({ status: 503 });
    expect(calls).toBe(1);
  });

  test.each([
    ["GET", 3],
    ["POST", 1],
  ])("a %s cut before its answer is sent %i times", async (method, times) => {
    const { server, client } = await setUp((_request, response) => response.stream.session?.destroy());
    const thrown = await failure(client.raw({ method, path: "/x" }));
    expect(thrown).toMatchObject({ reason: "ApiServerUnreachable", kind: "transient" });
    expect(server.received).toHaveLength(times);
  });

  test("half an answer is an error, not a short answer", async () => {
    const { client } = await setUp((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write(`{"metadata":{}`);
      setImmediate(() => response.stream.session?.destroy());
    });
    expect(await failure(client.raw({ method: "POST", path: "/x" }))).toMatchObject({ reason: "ApiServerUnreachable" });
  });
});

describe("limits", () => {
  test("a call ends with its deadline", async () => {
    const { client } = await setUp(() => undefined);
    const thrown = await failure(client.get(ConfigMap, ref, { timeoutMs: 30 }));
    expect(thrown).toMatchObject({ reason: "ApiServerTimeout", kind: "transient" });
    expect(thrown.message).toContain("no answer to GET /api/v1/namespaces/a/configmaps/one within 30 ms");
  });

  test("a call ends with its signal, and the server sees it", async () => {
    const cancel = new AbortController();
    const cancelled = Promise.withResolvers<void>();
    const { client } = await setUp((_request, response) => {
      response.stream.once("aborted", () => cancelled.resolve());
      cancel.abort(new Error("enough"));
    });
    await expect(client.get(ConfigMap, ref, { signal: cancel.signal })).rejects.toThrow("enough");
    await cancelled.promise;
  });

  test("an answer that is too large is refused", async () => {
    const { client } = await setUp((_request, response) => reply(response, 200, `"${"x".repeat(2000)}"`), {
      maxResponseBytes: 1000,
    });
    expect(await failure(client.get(ConfigMap, ref))).toMatchObject({ reason: "ResponseTooLarge" });
  });

  test("close ends what is under way", async () => {
    const arrived = Promise.withResolvers<void>();
    const { client } = await setUp(() => arrived.resolve());
    const call = failure(client.raw({ method: "POST", path: "/x" }));
    await arrived.promise;
    await client.close();
    expect(await call).toMatchObject({ reason: "ApiServerUnreachable" });
    expect(await failure(client.raw({ method: "POST", path: "/x" }))).toMatchObject({ reason: "ClientClosed" });
  });
});

describe("connections", () => {
  test("many requests share one", async () => {
    const { server, client } = await setUp((_request, response) => reply(response, 200, configMap("one")));
    await Promise.all(Array.from({ length: 50 }, () => client.get(ConfigMap, ref)));
    await client.get(ConfigMap, ref);
    expect(server.connections).toBe(1);
  });

  test("another is opened when the server allows no more streams", async () => {
    const waiting: (() => void)[] = [];
    const all = Promise.withResolvers<void>();
    const { server, client } = await setUp(
      (_request, response) => {
        waiting.push(() => reply(response, 200, configMap("one")));
        if (waiting.length === 5) all.resolve();
      },
      {},
      { maxConcurrentStreams: 2 },
    );
    const calls = Array.from({ length: 5 }, () => client.get(ConfigMap, ref));
    await all.promise;
    expect(server.connections).toBe(3);
    for (const answer of waiting) answer();
    await Promise.all(calls);
  });

  test("a new one is opened when the old one is gone", async () => {
    const { server, client } = await setUp((_request, response) => reply(response, 200, configMap("one")));
    await client.get(ConfigMap, ref);
    server.cut();
    await client.get(ConfigMap, ref);
    expect(server.connections).toBe(2);
  });

  test("a server without HTTP/2 gets kept-alive HTTP/1.1", async () => {
    const { server, client } = await setUp(
      (request, response) =>
        reply(response, 200, request.method === "POST" ? request.body : JSON.stringify(configMap("one"))),
      {},
      { http1Only: true },
    );
    await client.get(ConfigMap, ref);
    expect((await client.create(ConfigMap, configMap("two"))).metadata.name).toBe("two");
    server.cut();
    await client.get(ConfigMap, ref);
    expect(server.received.map((each) => each.httpVersion)).toEqual(["1.1", "1.1", "1.1"]);
    expect(server.connections).toBe(2);
  });

  test("nobody listening is told with the address", async () => {
    const { server, client } = await setUp(() => undefined);
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const thrown = await failure(client.get(ConfigMap, ref));
    expect(thrown.message).toContain(`API server ${url}: connect ECONNREFUSED`);
  });
});

describe("watch", () => {
  const event = (type: string, name: string, version: string) =>
    `${JSON.stringify({ type, object: configMap(name, { resourceVersion: version }) })}\n`;

  test("gives events in order, over the connection of the requests, and ends with the server", async () => {
    const { server, client } = await setUp(({ path }, response) => {
      if (!path.includes("watch=true")) return reply(response, 200, configMap("one"));
      response.writeHead(200);
      const text = event("ADDED", "one", "1") + event("MODIFIED", "one", "2");
      // Cut in the middle of lines, as the network may.
      response.write(text.slice(0, 30));
      response.write(text.slice(30));
      response.end(event("DELETED", "one", "3"));
      return undefined;
    });
    await client.get(ConfigMap, ref);
    const types: string[] = [];
    for await (const each of client.watch(ConfigMap, { namespace: "a", resourceVersion: "0" })) types.push(each.type);
    expect(types).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    expect(server.connections).toBe(1);
    const query = new URL(server.received[1]?.path ?? "", "https://x").searchParams;
    expect(query.get("resourceVersion")).toBe("0");
    expect(query.get("allowWatchBookmarks")).toBe("true");
    expect(Number(query.get("timeoutSeconds"))).toBeGreaterThanOrEqual(300);
  });

  test("an ERROR event and a refusal both come as ApiError", async () => {
    let calls = 0;
    const { client } = await setUp((_request, response) => {
      const gone = status(410, "Expired", "too old resource version: 1 (5)");
      if (calls++ > 0) return reply(response, 410, gone);
      response.writeHead(200);
      response.end(`${JSON.stringify({ type: "ERROR", object: gone })}\n`);
      return undefined;
    });
    const drain = async (): Promise<void> => {
      for await (const _event of client.watch(ConfigMap)) throw new Error("no event expected");
    };
    for (let round = 0; round < 2; round++) {
      const thrown = await failure(drain());
      expect(isExpired(thrown)).toBe(true);
      expect(thrown.message).toBe("too old resource version: 1 (5)");
    }
  });

  test("leaving the loop ends the watch at the server", async () => {
    const ended = Promise.withResolvers<void>();
    const { client } = await setUp((_request, response) => {
      response.stream.once("close", () => ended.resolve());
      response.writeHead(200);
      response.write(event("ADDED", "one", "1"));
    });
    for await (const _event of client.watch<Pod>(ConfigMap as Kind<Pod>)) break;
    await ended.promise;
  });

  test("a quiet watch whose server answers pings stays", async () => {
    const { client } = await setUp(
      (_request, response) => {
        response.writeHead(200);
        response.write(event("ADDED", "one", "1"));
        let pings = 0;
        response.stream.session?.on("ping", () => {
          if (++pings === 3) response.end(event("MODIFIED", "one", "2"));
        });
      },
      { pingIdleMs: 10, pingTimeoutMs: 5000 },
    );
    const types: string[] = [];
    for await (const each of client.watch(ConfigMap)) types.push(each.type);
    expect(types).toEqual(["ADDED", "MODIFIED"]);
  });
});

test("metrics are client-go's", async () => {
  const metrics = createRegistry();
  let calls = 0;
  const { server, client } = await setUp(
    (_request, response) => reply(response, ++calls === 1 ? 429 : 200, configMap("one"), { "retry-after": "0" }),
    { metrics, qps: 1000, burst: 1 },
  );
  await client.get(ConfigMap, ref);
  const host = new URL(server.url).host;
  const text = await metrics.metrics();
  expect(text).toContain(`rest_client_requests_total{code="429",method="GET",host="${host}"} 1`);
  expect(text).toContain(`rest_client_requests_total{code="200",method="GET",host="${host}"} 1`);
  expect(text).toContain(`rest_client_request_retries_total{code="429",verb="GET",host="${host}"} 1`);
  expect(text).toContain(`rest_client_request_duration_seconds_count{verb="GET",host="${host}"} 1`);
  expect(text).toContain(`rest_client_rate_limiter_duration_seconds_count{verb="GET",host="${host}"} 2`);
});
