import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Server,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
  HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health.ts";

export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNKNOWN";

/** The state behind a grpc.health.v1 service. */
export interface HealthServing {
  /** Sets a service's status; the empty name is the server as a whole. Without effect after `shutdown`. */
  set(service: string, status: HealthStatus): void;
  get(service: string): HealthStatus | undefined;
  /** Every service is NOT_SERVING from now on, for good. */
  shutdown(): void;
  /** Ends the watches, which never end by themselves, with UNAVAILABLE. */
  endWatches(): void;
  /** Watches under way. */
  readonly watches: number;
  readonly implementation: HealthServer;
  addTo(server: Server): void;
}

type Watch = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** A watch held by nobody we know: more would be a leak or an attack, since the service asks for no token. */
const MOST_WATCHES = 1_000;

/**
 * The health service of a gRPC server. Check answers NOT_FOUND for a service it does not know, Watch
 * SERVICE_UNKNOWN until it is known, as the protocol has it.
 */
export function healthService(initial: Readonly<Record<string, HealthStatus>> = { "": "NOT_SERVING" }): HealthServing {
  const services = new Map<string, HealthStatus>(Object.entries(initial));
  const watches = new Map<Watch, string>();
  let frozen = false;
  const tell = (call: Watch, service: string): void => {
    // A watcher that does not read gets the latest status once it does, not all that it missed.
    if (!call.writableNeedDrain) call.write({ status: statusOf(services.get(service)) });
  };
  const set = (service: string, next: HealthStatus): void => {
    if (frozen || services.get(service) === next) return;
    services.set(service, next);
    for (const [call, watched] of watches) {
      if (watched === service) tell(call, service);
    }
  };
  const check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse> = ({ request }, reply) => {
    const known = services.get(request.service);
    if (known === undefined) reply({ code: status.NOT_FOUND, details: "unknown service" });
    else reply(null, { status: statusOf(known) });
  };
  const watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse> = (call) => {
    if (watches.size >= MOST_WATCHES) {
      call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "too many health watches" });
      return;
    }
    const { service } = call.request;
    watches.set(call, service);
    call.on("cancelled", () => watches.delete(call));
    call.on("drain", () => tell(call, service));
    tell(call, service);
  };
  const implementation: HealthServer = { check, watch };
  return {
    implementation,
    get watches() {
      return watches.size;
    },
    set,
    get: (service) => services.get(service),
    addTo: (server) => server.addService(HealthService, implementation),
    shutdown() {
      for (const service of services.keys()) set(service, "NOT_SERVING");
      frozen = true;
    },
    endWatches() {
      for (const call of watches.keys()) {
        call.emit("error", { code: status.UNAVAILABLE, details: "the server is shutting down" });
      }
      watches.clear();
    },
  };
}

function statusOf(known: HealthStatus | undefined): HealthCheckResponse["status"] {
  return known === undefined ? ServingStatus.SERVICE_UNKNOWN : ServingStatus[known];
}
