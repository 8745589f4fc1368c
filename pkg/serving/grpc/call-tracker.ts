import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";

/** Knows the calls under way on a server: `new Server({ interceptors: [tracker.interceptor] })`. */
export interface CallTracker {
  readonly interceptor: ServerInterceptor;
  readonly active: number;
  /** Ends every call under way with UNAVAILABLE and this text. */
  endAll(details: string): void;
}

/** A {@link CallTracker} for one server. */
export function callTracker(): CallTracker {
  const calls = new Set<ServerInterceptingCall>();
  return {
    get active() {
      return calls.size;
    },
    interceptor: (_descriptor, inner) => {
      const call: ServerInterceptingCall = new ServerInterceptingCall(inner, {
        start: (next) =>
          next({
            onReceiveMetadata: (metadata, pass) => {
              calls.add(call);
              pass(metadata);
            },
            // Comes at the end of each call, however it ends.
            onCancel: () => void calls.delete(call),
          }),
      });
      return call;
    },
    endAll(details) {
      for (const call of calls) call.sendStatus({ code: status.UNAVAILABLE, details, metadata: new Metadata() });
      calls.clear();
    },
  };
}
