import { Client, credentials, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import { afterEach, expect, it } from "vitest";
import { GetMetadataAllocatedRequest } from "../../gen/snapshotmetadata/snapshotmetadata.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { systemClock } from "../../runtime/timing/index.ts";
import type { HandlerDeps } from "./handler.ts";
import { Refusal } from "./refusals.ts";
import { metadataService, metadataServiceDefinition } from "./service.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Reads that must not happen. */
const none = (): never => expect.unreachable("nothing is read while the server stops");
const reads = {
  snapshot: none,
  content: none,
  snapshotClass: none,
  snapshotClasses: none,
  secret: none,
  contentsOf: none,
};
const user = { username: "u", groups: [], extra: {} };

/** A server that is stopping, for everybody who still has a connection. */
const stopping: HandlerDeps = {
  driver: { requireName: () => "d", requireReady: () => {}, open: none },
  audience: async () => "a",
  reviewer: {
    reviewToken: async ({ token }) =>
      token === "good" ? { authenticated: true, user, audiences: ["a"] } : { authenticated: false, why: "" },
    reviewAccess: async ({ resourceAttributes }) => ({ allowed: resourceAttributes.namespace === "mine", why: "" }),
  },
  reads,
  liveReads: reads,
  arrivals: { arrivalOf: () => ({ peer: "", known: () => {} }) },
  limits: { begin: () => ({ [Symbol.dispose]: () => {} }) },
  limited: () => {},
  limitMs: 60_000,
  compatCodes: false,
  draining: AbortSignal.abort(),
  stopped: new AbortController().signal,
  metrics: { observe: () => {}, broken: () => {}, empty: () => {} },
  validation: "strict",
  clock: systemClock,
  log: silentLogger(),
};

async function ask(deps: HandlerDeps, request: Buffer): Promise<StatusObject> {
  const server = new Server();
  cleanups.push(() => server.forceShutdown());
  server.addService(metadataServiceDefinition, metadataService(deps));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  const raw = (bytes: Buffer): Buffer => bytes;
  const { path } = metadataServiceDefinition.GetMetadataAllocated;
  const stream = client.makeServerStreamRequest(path, raw, raw, request);
  return await new Promise((resolve) =>
    stream
      .on("error", () => {})
      .on("status", resolve)
      .resume(),
  );
}

const encoded = (changes: Partial<GetMetadataAllocatedRequest> = {}): Buffer => {
  const whole = { securityToken: "good", namespace: "mine", snapshotName: "-not-a-name-" };
  return Buffer.from(
    GetMetadataAllocatedRequest.encode({ ...GetMetadataAllocatedRequest.fromPartial(whole), ...changes }).finish(),
  );
};

// The rows of the reference page, in its order: the first that holds is the answer.
it.each([
  ["bytes that are no request", Buffer.from([0x0a, 0xff]), status.INVALID_ARGUMENT],
  ["an empty field", encoded({ snapshotName: "" }), status.INVALID_ARGUMENT],
  ["a negative offset", encoded({ startingOffset: -1n }), status.OUT_OF_RANGE],
  ["a token that is not valid", encoded({ securityToken: "bad" }), status.UNAUTHENTICATED],
  ["a caller without the right", encoded({ namespace: "theirs" }), status.PERMISSION_DENIED],
])("a server that stops still says what is wrong with the call first: %s", async (_, request, code) => {
  expect((await ask(stopping, request)).code).toBe(code);
});

it("a server that stops refuses a good caller before it looks at anything else", async () => {
  const answer = await ask(stopping, encoded());
  expect(answer).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("another replica") });
});

it("a driver that is not ready is told before the stop", async () => {
  const requireReady = (): never => {
    throw new Refusal("driverNotReady", "the driver is away");
  };
  const answer = await ask({ ...stopping, driver: { ...stopping.driver, requireReady } }, encoded());
  expect(answer).toMatchObject({ code: status.UNAVAILABLE, details: "the driver is away" });
});
