import { type Client, type ClientUnaryCall, Metadata, status } from "@grpc/grpc-js";
import type { Clock } from "../../runtime/timing/index.ts";
import { fromDriver, grpcCodeOf } from "../classify/driver-failure.ts";
import type { CallOptions, UnaryMethod } from "../connection/driver-connection.ts";
import { secretValuesOf } from "../secrets/secret-values.ts";
import type { RecordOperation } from "./operation-metrics.ts";

export interface UnaryDeps {
  readonly client: Client;
  readonly clock: Clock;
  /** Milliseconds, for calls that bring no own limit. */
  readonly timeoutMs: number;
  readonly record: RecordOperation | undefined;
  readonly driverName: () => string;
}

/** Calls one unary method: with a deadline, cancellable, measured, and with failures free of the request's secrets. */
export async function callUnary<Request, Response>(
  deps: UnaryDeps,
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: CallOptions = {},
): Promise<Response> {
  const started = deps.clock.monotonic();
  let code: number = status.OK;
  try {
    return await send(deps, method, request, options);
  } catch (thrown) {
    code = grpcCodeOf(thrown) ?? status.UNKNOWN;
    throw fromDriver(thrown, method.path, [...secretValuesOf(request), ...(options.secrets ?? [])]);
  } finally {
    deps.record?.({
      driverName: deps.driverName(),
      method: method.path,
      code,
      seconds: (deps.clock.monotonic() - started) / 1000,
      migrated: options.migrated ?? false,
    });
  }
}

function send<Request, Response>(
  { client, timeoutMs }: UnaryDeps,
  method: UnaryMethod<Request, Response>,
  request: Request,
  { timeoutMs: own, signal, waitForReady = false }: CallOptions,
): Promise<Response> {
  // grpc-js measures deadlines by the wall clock.
  const deadline = Date.now() + (own ?? timeoutMs);
  const metadata = new Metadata({ waitForReady });
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    let call: ClientUnaryCall | undefined;
    const cancel = (): void => call?.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (error !== null) reject(error);
        else if (response === undefined) reject(emptyAnswer());
        else resolve(response);
      },
    );
  });
}

function cancelled(): Error {
  return Object.assign(new Error("cancelled"), { code: status.CANCELLED, details: "cancelled before the call began" });
}

function emptyAnswer(): Error {
  return Object.assign(new Error("empty"), { code: status.INTERNAL, details: "the driver answered without a message" });
}
