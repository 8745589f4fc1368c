import { Server } from "@grpc/grpc-js";
import { connectDriver, type DriverConnection } from "../../csi/index.ts";
import { HealthService } from "../../gen/grpc/health/v1/health.ts";
import { type KubeClient, shareKubeClient } from "../../kube/client/index.ts";
import { createCaches } from "../../kube/informer/index.ts";
import type { Env, Runnable } from "../../runtime/lifecycle/index.ts";
import { linkedSignal } from "../../runtime/timing/index.ts";
import {
  type ConnectionGuard,
  connectionGuard,
  type GrpcListener,
  listenGrpc,
  routeGrpcLog,
  stopGracefully,
} from "../../serving/grpc/index.ts";
import { type HealthServing, healthService } from "../../serving/health/index.ts";
import { shareHttpEndpoint } from "../../serving/http/index.ts";
import { type ReloadingTls, reloadingTls } from "../../serving/tls/index.ts";
import { arrivals } from "./admission/arrivals.ts";
import { callLimits } from "./admission/call-limits.ts";
import { type AdmissionMeter, admissionMeter } from "./admission/metrics.ts";
import { admittedReviews } from "./admission/review-admission.ts";
import { tokenReviews } from "./admission/token-reviews.ts";
import { type DriverLink, linkDriver } from "./driver-link.ts";
import type { HandlerDeps } from "./handler.ts";
import { metadataMetrics } from "./metrics.ts";
import { type MetadataServerOptions, originalHealthPath } from "./options.ts";
import { type MetadataCaches, metadataCaches } from "./resolve/caches.ts";
import { contentLists } from "./resolve/content-lists.ts";
import { audienceFrom, cachedReads, kubeReviewer, listContents, liveReads, reading } from "./resolve/kube-access.ts";
import { metadataService, metadataServiceDefinition } from "./service.ts";

/** Largest request before anybody has been authenticated: a token and four names, with room to spare. */
const maxRequestBytes = 64 * 1024;

/** How long a connection may take to its first call: two handshakes over a bad line. */
const firstCallMs = 60_000;

/** How long a request may take to arrive, once its headers are there. */
const requestMs = 10_000;

/** How long a live list of all contents serves the calls that come after it, where the role has no watch. */
const contentListShareMs = 2_000;

const methodPaths = new Set(Object.values(metadataServiceDefinition).map(({ path }) => path));

const defaultStreamingMinutes = 10;

/** The parts of one server; `run` starts them and stops them in the reverse order. */
interface Parts {
  readonly options: MetadataServerOptions;
  readonly env: Env;
  readonly tls: ReloadingTls;
  readonly connection: DriverConnection;
  readonly link: DriverLink;
  readonly caches: MetadataCaches;
  readonly health: HealthServing;
  readonly draining: AbortController;
  readonly stopped: AbortController;
  readonly server: Server;
  readonly guard: ConnectionGuard;
}

/** Puts the server together. Rejects for a kubeconfig, certificate or driver address that can not be used. */
export async function buildServer(options: MetadataServerOptions, env: Env): Promise<Runnable> {
  const client = await shareKubeClient(env, options);
  const tls = await reloadingTls({
    certFile: options.tlsCert,
    keyFile: options.tlsKey,
    parameters: options,
    log: env.log,
    metrics: env.metrics,
    clock: env.clock,
  });
  const { log, metrics, clock } = env;
  await env.share("grpc log", async () => routeGrpcLog(log));
  const connection = connectDriver({
    address: options.csiAddress,
    timeoutMs: options.timeout,
    log,
    metrics,
    clock,
  });
  const health = healthService();
  const link = linkDriver({
    connection,
    log,
    clock,
    onReady: (ready) => health.set("", ready ? "SERVING" : "NOT_SERVING"),
  });
  const meter = admissionMeter(metrics);
  const access = await openAccess(options, { client, link, env, meter });
  const draining = new AbortController();
  const stopped = new AbortController();
  const guard = connectionGuard({
    maxPerPeer: options.maxConnectionsPerPeer,
    firstCallMs,
    clock,
    refused: (why) => meter.limited(why === "tooMany" ? "max-connections-per-peer" : "first-call"),
  });
  const arriving = arrivals({
    maxPerPeer: options.maxUnauthenticatedCallsPerPeer,
    asksForToken: (path) => methodPaths.has(path),
    requestMs,
    clock,
    guard,
    refused: () => meter.limited("max-unauthenticated-calls-per-peer"),
  });
  const server = new Server({
    "grpc.max_receive_message_length": maxRequestBytes,
    // Far more wait at the caller's end: twice as many, so that who meets the limit is told.
    ...(options.maxStreams > 0 ? { "grpc.max_concurrent_streams": Math.max(256, 2 * options.maxStreams) } : {}),
    "grpc.enable_channelz": 0,
    interceptors: [arriving.interceptor],
  });
  server.addService(HealthService, health.implementation);
  server.addService(
    metadataServiceDefinition,
    metadataService({
      ...access,
      driver: link,
      arrivals: arriving,
      limits: callLimits({ ...options, clock }),
      limited: meter.limited,
      limitMs: streamingLimitMs(options),
      compatCodes: options.compatCodes,
      validation: options.streamValidation,
      draining: draining.signal,
      stopped: stopped.signal,
      metrics: metadataMetrics({
        registry: metrics,
        driverName: () => link.name,
        snapshotLabels: options.metricsSnapshotLabels,
      }),
      clock,
      log,
    }),
  );
  const parts: Parts = {
    options,
    env,
    tls,
    connection,
    link,
    caches: access.caches,
    health,
    draining,
    stopped,
    server,
    guard,
  };
  return { run: (signal) => run(parts, signal) };
}

interface Access extends Pick<HandlerDeps, "audience" | "reviewer" | "reads" | "liveReads"> {
  readonly caches: MetadataCaches;
}

interface AccessParts {
  readonly client: KubeClient;
  readonly link: DriverLink;
  readonly env: Env;
  readonly meter: AdmissionMeter;
}

/** Reads from caches that all components of the process share, with live reads behind them. */
async function openAccess(options: MetadataServerOptions, { client, link, env, meter }: AccessParts): Promise<Access> {
  const { log, metrics, clock } = env;
  const { audience, kubeconfig, tokenCacheTtl } = options;
  const shared = await env.share(`kube caches ${kubeconfig}`, async () =>
    createCaches({ client, log, metrics, clock }),
  );
  const caches = metadataCaches(shared, { watchServices: audience === "" });
  const read = reading(log);
  const lists = contentLists({ list: (signal) => listContents(client, signal), shareMs: contentListShareMs, clock });
  const live = liveReads(client, lists, read);
  const { reviewToken: review, reviewAccess } = kubeReviewer(client);
  const ask = admittedReviews({ ...options, review, clock, sent: () => meter.token("reviewed") });
  return {
    audience: audience === "" ? audienceFrom(link.requireName, caches.services) : async () => audience,
    reviewer: {
      reviewToken: tokenReviews({ ask, ttlMs: tokenCacheTtl, clock, observe: meter.token }),
      // Never remembered: a right that was taken away is gone with the next call.
      reviewAccess,
    },
    reads: cachedReads({ caches, live, lists, read }),
    liveReads: live,
    caches,
  };
}

/** As the original: a limit that makes no sense is its default. */
function streamingLimitMs({ maxStreamingDurationMin }: MetadataServerOptions): number {
  return (maxStreamingDurationMin > 0 ? maxStreamingDurationMin : defaultStreamingMinutes) * 60_000;
}

async function run(parts: Parts, signal: AbortSignal): Promise<void> {
  const { options, env, tls, connection, link, caches, server, guard } = parts;
  using watching = linkedSignal(signal);
  const watched = caches.run(watching.signal);
  let listener: GrpcListener | undefined;
  try {
    const endpoint = await shareHttpEndpoint(env, {
      name: "snapshot-metadata",
      address: options.httpEndpoint,
      flag: "http-endpoint",
      metricsPath: options.disableMetrics ? "" : options.metricsPath,
      healthPaths: [originalHealthPath],
      checks: { driver: () => link.ready || "the CSI driver is not ready" },
    });
    // Without a host: a machine without IPv6 is served as well.
    const address = `:${options.port}`;
    listener = await listenGrpc(server, { address, credentials: tls.serverCredentials, flag: "port", guard });
    env.log.info({ port: listener.port, httpPort: endpoint?.port, csiAddress: connection.address }, "serving");
    await link.run(signal);
  } finally {
    watching.abort();
    await stop(parts, listener);
    await watched;
  }
}

/** New calls are refused at once; running streams may finish, for a while, and are then told to resume elsewhere. */
async function stop(parts: Parts, listener: GrpcListener | undefined): Promise<void> {
  const { options, env, tls, connection, health, draining, stopped, server } = parts;
  draining.abort();
  await stopGracefully(server, {
    drainMs: options.drainTimeout,
    listener,
    health,
    calls: { endAll: () => stopped.abort() },
    clock: env.clock,
  });
  await connection.close();
  await tls.close();
}
