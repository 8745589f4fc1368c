import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import type { Logger } from "../../../runtime/log/index.ts";
import { drained } from "../../../runtime/stream/index.ts";
import { aborted, type Clock } from "../../../runtime/timing/index.ts";
import type { Fault, RpcName } from "../faults/fault-plan.ts";
import type { Faults } from "../faults/faults.ts";
import { callSignal } from "./call-signal.ts";
import { Refusal, type RefusalCode, toRefusal } from "./refusal.ts";

export interface HandlerDeps {
  readonly faults: Faults;
  readonly requireSecret: { readonly name: string; readonly value: string } | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stopping: AbortSignal;
  /** Cuts every connection. */
  dropConnections(): void;
}

/** What a handler gets beside its request. */
export interface Call {
  readonly signal: AbortSignal;
  readonly fault: Fault | undefined;
}

/** Makes grpc-js handlers of plain functions: faults, secrets, cancellation and refusals are the same for all. */
export class Handlers {
  readonly #deps: HandlerDeps;

  constructor(deps: HandlerDeps) {
    this.#deps = deps;
  }

  unary<Request extends object, Response>(
    rpc: RpcName,
    work: (request: Request, call: Call) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      void this.#answer(rpc, call.request, call, work).then(
        (response) => callback(null, response),
        (thrown: unknown) => callback(this.#refused(rpc, thrown)),
      );
    };
  }

  /** `open` checks the request and gives the messages; they are written at the pace of the reader. */
  serverStream<Request extends object, Response>(
    rpc: RpcName,
    open: (request: Request, call: Call) => Promise<AsyncIterable<Response>>,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      void this.#stream(rpc, call, open).then(
        () => call.end(),
        (thrown: unknown) => call.emit("error", this.#refused(rpc, thrown)),
      );
    };
  }

  /** For an RPC that the driver does not claim. */
  unimplemented<Request, Response>(rpc: string): handleUnaryCall<Request, Response> {
    return (_call, callback) => callback(new Refusal("UNIMPLEMENTED", `${rpc} is not offered by this driver`));
  }

  async #answer<Request extends object, Response>(
    rpc: RpcName,
    request: Request,
    waited: Parameters<typeof callSignal>[0],
    work: (request: Request, call: Call) => Promise<Response>,
  ): Promise<Response> {
    using scope = callSignal(waited, this.#deps.stopping);
    const fault = await this.#deps.faults.next(rpc);
    if (fault?.delayMs !== undefined) await this.#deps.clock.sleep(fault.delayMs, scope.signal);
    if (fault?.afterWork !== true) await this.#fail(fault, scope.signal);
    this.#checkSecret(request);
    const response = await work(request, { signal: scope.signal, fault });
    if (fault?.afterWork === true) await this.#fail(fault, scope.signal);
    return response;
  }

  async #stream<Request extends object, Response>(
    rpc: RpcName,
    call: ServerWritableStream<Request, Response>,
    open: (request: Request, call: Call) => Promise<AsyncIterable<Response>>,
  ): Promise<void> {
    using scope = callSignal(call, this.#deps.stopping);
    const { signal } = scope;
    const fault = await this.#deps.faults.next(rpc);
    if (fault?.delayMs !== undefined) await this.#deps.clock.sleep(fault.delayMs, signal);
    const failAfter = fault?.afterMessages ?? 0;
    if (failAfter === 0) await this.#fail(fault, signal);
    this.#checkSecret(call.request);
    let sent = 0;
    for await (const message of await open(call.request, { signal, fault })) {
      signal.throwIfAborted();
      if (!call.write(message)) await drained(call, signal);
      sent += 1;
      if (sent === failAfter) await this.#fail(fault, signal);
    }
    signal.throwIfAborted();
  }

  async #fail(fault: Fault | undefined, signal: AbortSignal): Promise<void> {
    if (fault?.dropConnection === true) {
      this.#deps.dropConnections();
      throw new Refusal("UNAVAILABLE", "the connection was dropped by an injected fault");
    }
    if (fault?.hang === true) {
      await aborted(signal);
      throw signal.reason;
    }
    if (fault?.code !== undefined) throw new Refusal(fault.code as RefusalCode, fault.message ?? "injected fault");
  }

  #checkSecret(request: object): void {
    const required = this.#deps.requireSecret;
    if (required === undefined || !("secrets" in request)) return;
    const given = (request.secrets as Readonly<Record<string, string>>)[required.name];
    if (given === required.value) return;
    const how = given === undefined ? "is missing" : "has the wrong value";
    throw new Refusal("UNAUTHENTICATED", `secrets: ${JSON.stringify(required.name)} ${how}`);
  }

  #refused(rpc: RpcName, thrown: unknown): Refusal {
    const refusal = toRefusal(thrown);
    this.#deps.log.debug({ op: rpc, code: refusal.code, reason: refusal.details }, "call refused");
    if (!(thrown instanceof Refusal)) this.#deps.log.error({ op: rpc, err: thrown }, "call failed");
    return refusal;
  }
}
