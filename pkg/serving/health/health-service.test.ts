import { once } from "node:events";
import {
  type ClientReadableStream,
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../gen/grpc/health/v1/health.ts";
import { listenGrpc } from "../grpc/index.ts";
import { type HealthServing, healthService } from "./index.ts";

type Reply = (error: ServiceError | null, response?: HealthCheckResponse) => void;

interface HealthClient {
  check(request: HealthCheckRequest, reply: Reply): void;
  watch(request: HealthCheckRequest): ClientReadableStream<HealthCheckResponse>;
  close(): void;
}

const Client = makeGenericClientConstructor(HealthService, "Health");

async function serve(health: HealthServing) {
  const server = new Server();
  health.addTo(server);
  const { port, close } = await listenGrpc(server, {
    address: "127.0.0.1:0",
    credentials: ServerCredentials.createInsecure(),
    flag: "port",
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure()) as unknown as HealthClient;
  return {
    check: (service = "") =>
      new Promise<HealthCheckResponse | undefined>((resolve, reject) => {
        client.check({ service }, (error, response) => (error === null ? resolve(response) : reject(error)));
      }),
    watch(service = "") {
      const stream = client.watch({ service });
      stream.on("error", () => undefined);
      const next = async (): Promise<unknown> => ((await once(stream, "data")) as [HealthCheckResponse])[0].status;
      return { stream, next };
    },
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
      void close();
    },
  };
}

describe("Check", () => {
  it("tells what was set", async () => {
    const health = healthService({ "": "NOT_SERVING", metadata: "SERVING" });
    await using it = await serve(health);
    expect(await it.check()).toEqual({ status: Serving.NOT_SERVING });
    expect(await it.check("metadata")).toEqual({ status: Serving.SERVING });
    health.set("", "SERVING");
    expect(await it.check()).toEqual({ status: Serving.SERVING });
  });

  it("knows no other service", async () => {
    await using it = await serve(healthService());
    await expect(it.check("other")).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(it.check("constructor")).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it("tells NOT_SERVING after shutdown, whatever is set", async () => {
    const health = healthService({ "": "SERVING", a: "SERVING" });
    await using it = await serve(health);
    health.shutdown();
    health.set("", "SERVING");
    health.set("new", "SERVING");
    expect(await it.check()).toEqual({ status: Serving.NOT_SERVING });
    expect(await it.check("a")).toEqual({ status: Serving.NOT_SERVING });
    await expect(it.check("new")).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe("Watch", () => {
  it("tells the status and each change, once", async () => {
    const health = healthService();
    await using it = await serve(health);
    const { next } = it.watch();
    expect(await next()).toBe(Serving.NOT_SERVING);
    health.set("", "NOT_SERVING");
    health.set("", "SERVING");
    expect(await next()).toBe(Serving.SERVING);
    health.shutdown();
    expect(await next()).toBe(Serving.NOT_SERVING);
  });

  it("tells SERVICE_UNKNOWN until the service is known", async () => {
    const health = healthService();
    await using it = await serve(health);
    const { next } = it.watch("later");
    expect(await next()).toBe(Serving.SERVICE_UNKNOWN);
    health.set("later", "SERVING");
    expect(await next()).toBe(Serving.SERVING);
  });

  it("ends with UNAVAILABLE when told to", async () => {
    const health = healthService();
    await using it = await serve(health);
    const { stream, next } = it.watch();
    await next();
    const ended = new Promise((resolve) => stream.on("status", resolve));
    health.endWatches();
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: "the server is shutting down" });
  });

  it("is forgotten when the client leaves", async () => {
    const health = healthService();
    await using it = await serve(health);
    const { stream, next } = it.watch();
    await next();
    expect(health.watches).toBe(1);
    stream.cancel();
    while (health.watches > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
