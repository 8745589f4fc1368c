import { constants, type Http2Stream } from "node:http2";
import {
  Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import type { Clock } from "../../../runtime/timing/index.ts";
import { type ConnectionGuard, peerAddress } from "../../../serving/grpc/index.ts";
import type { RawCall } from "../stream/forward.ts";
import { retryHint } from "./retry-hint.ts";

/** A call of which nothing is known yet but where it comes from. */
export interface Arrival {
  /**
   * Who is answerable for the call: the connection, where somebody known has called over it; else the peer's address,
   * without its port.
   */
  readonly peer: string;
  /** The caller is known: the call no longer counts among the strangers'. */
  readonly known: () => void;
}

interface Counted extends Arrival {
  /** The call has ended. */
  readonly over: () => void;
}

export interface ArrivalRules {
  /**
   * Calls of one peer address that may be in progress before anybody knows who makes them; 0: any number. A
   * connection over which somebody known has called has as many of its own: strangers at the same address, behind one
   * node or load balancer, do not use up its room. Calls of the other services, which ask for no token, are nobody's
   * for as long as they last: they have as many again, and keep no caller of ours out.
   */
  readonly maxPerPeer: number;
  /** Whether the method with this path asks who is calling. */
  readonly asksForToken: (path: string) => boolean;
  /** How long a request may take to arrive, milliseconds. */
  readonly requestMs: number;
  readonly clock: Clock;
  readonly guard: Pick<ConnectionGuard, "called" | "vouch" | "vouchedFor">;
  /** Hears of each call that is turned away for the limit. */
  readonly refused: () => void;
}

export interface Arrivals {
  /** Sees every call of the server, health checks too, as soon as its headers are there. */
  readonly interceptor: ServerInterceptor;
  arrivalOf(call: RawCall): Arrival;
}

const strangersRetryMs = 1_000;

/**
 * Counts calls from their headers on, when nothing of them has been read and nobody has been asked: a peer can neither
 * pile up calls whose requests never come nor have more than so many tokens looked at together.
 */
export function arrivals(rules: ArrivalRules): Arrivals {
  const strangers = new Map<string, number>();
  const arrived = new WeakMap<Metadata, Arrival>();

  const arrive = (call: ServerInterceptingCallInterface, path: string): Counted | undefined => {
    const connection = call.getPeer();
    rules.guard.called(connection);
    const address = peerAddress(call.getConnectionInfo().remoteAddress);
    const peer = rules.guard.vouchedFor(connection) ? connection : address;
    const group = rules.asksForToken(path) ? peer : `${peer} without a token`;
    const count = strangers.get(group) ?? 0;
    if (rules.maxPerPeer > 0 && count >= rules.maxPerPeer) return undefined;
    strangers.set(group, count + 1);
    let counted = true;
    const over = (): void => {
      if (!counted) return;
      counted = false;
      const left = (strangers.get(group) ?? 1) - 1;
      if (left === 0) strangers.delete(group);
      else strangers.set(group, left);
    };
    const known = (): void => {
      rules.guard.vouch(connection);
      over();
    };
    return { peer, known, over };
  };

  const turnAway = (call: ServerInterceptingCallInterface): void => {
    rules.refused();
    const details =
      `this address has ${rules.maxPerPeer} calls in progress whose callers are not known, ` +
      "the limit of --max-unauthenticated-calls-per-peer; try again later";
    const code = status.RESOURCE_EXHAUSTED;
    call.sendStatus({ code, details, metadata: retryHint(code, details, strangersRetryMs) });
  };

  const giveUp = (call: ServerInterceptingCallInterface): void => {
    const details = `the request did not arrive within ${rules.requestMs / 1000} seconds`;
    call.sendStatus({ code: status.DEADLINE_EXCEEDED, details, metadata: new Metadata() });
  };

  const interceptor: ServerInterceptor = ({ path }, call) => {
    const start = call.start.bind(call);
    // In place of a wrapper around the whole call, through which each message of the stream would have to go.
    call.start = (listener) => {
      const read = new AbortController();
      let arrival: Counted | undefined;
      start({
        onReceiveMetadata: (metadata) => {
          arrival = arrive(call, path);
          if (arrival === undefined) return turnAway(call);
          arrived.set(metadata, arrival);
          rules.clock.sleep(rules.requestMs, read.signal).then(
            () => giveUp(call),
            () => undefined,
          );
          listener.onReceiveMetadata(metadata);
        },
        onReceiveMessage: (message) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => {
          read.abort();
          listener.onReceiveHalfClose();
        },
        // Comes at the end of each call, however it ends.
        onCancel: () => {
          if (!read.signal.aborted) closeHalf(call);
          read.abort();
          arrival?.over();
          listener.onCancel();
        },
      });
    };
    return call as ServerInterceptingCall;
  };

  return {
    interceptor,
    arrivalOf: ({ metadata }) => arrived.get(metadata) ?? { peer: "", known: () => undefined },
  };
}

/**
 * Closes the stream of a call that ended before its request was there: the peer's half would stay open, and hold
 * memory, for as long as the peer likes. NO_ERROR says that the answer stands (RFC 9113, 8.1).
 */
function closeHalf(call: ServerInterceptingCallInterface): void {
  // A private field of grpc-js: without it the half stays open, and nothing else is lost.
  const { stream } = call as unknown as { readonly stream?: Http2Stream };
  stream?.close(constants.NGHTTP2_NO_ERROR);
}
