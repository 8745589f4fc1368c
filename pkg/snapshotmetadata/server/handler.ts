import { status } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { type ByteStream, type CallEnd, scrub } from "../../csi/index.ts";
import type { UserInfo } from "../../kube/authn/index.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { Arrival, Arrivals } from "./admission/arrivals.ts";
import { authenticate, authorize, type Reviewer } from "./admission/authorize.ts";
import type { CallLimits } from "./admission/call-limits.ts";
import { type CallScope, endCall, openScope } from "./call-scope.ts";
import { readRequest } from "./check-request.ts";
import { allocated, type MetadataMethod, type MetadataRequest } from "./methods.ts";
import type { MetadataMetrics } from "./metrics.ts";
import { Refusal, toRefusal } from "./refusals.ts";
import { checkBase } from "./resolve/check-base.ts";
import type { AudienceSource, MetadataReads } from "./resolve/kube-access.ts";
import { resolveSecrets } from "./resolve/secrets.ts";
import { type ReadySnapshot, resolveTarget } from "./resolve/target.ts";
import { forward, onceClosed, type RawCall } from "./stream/forward.ts";
import { type StreamValidation, streamCheck } from "./stream/stream-check.ts";

/** The driver, as the handlers need it. */
export interface MetadataDriver {
  /** Name of the driver; refuses with `driverUnknown` before the driver has told it once. */
  requireName(): string;
  /** Refuses with `driverNotReady` while the driver can not be called. */
  requireReady(): void;
  /** Opens the driver's stream of the same method. `deadlineMs` is milliseconds since the epoch. */
  open(method: MetadataMethod["name"], request: Uint8Array, deadlineMs: number): ByteStream;
}

export interface HandlerDeps {
  readonly driver: MetadataDriver;
  /** The audience that tokens must be meant for. */
  readonly audience: AudienceSource;
  readonly reviewer: Reviewer;
  readonly reads: MetadataReads;
  /** The same reads past every cache: asked once before something is refused. */
  readonly liveReads: MetadataReads;
  /** Where calls come from, and whose they are. */
  readonly arrivals: Pick<Arrivals, "arrivalOf">;
  readonly limits: Pick<CallLimits, "begin">;
  readonly limitMs: number;
  readonly compatCodes: boolean;
  readonly validation: StreamValidation;
  /** Aborts when new calls are refused. */
  readonly draining: AbortSignal;
  /** Aborts when running calls are ended. */
  readonly stopped: AbortSignal;
  readonly metrics: MetadataMetrics;
  /** Hears which flag's limit a call was refused for. */
  readonly limited: (flag: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is known of a call once it may go to the driver. */
interface Prepared {
  readonly request: MetadataRequest;
  readonly bytes: Uint8Array;
  readonly secrets: Readonly<Record<string, string>>;
}

/** How far a call has come in: whether its caller is known, and its place among the calls that run. */
interface Entry {
  known: boolean;
  place: Disposable | undefined;
}

interface ServeDeps extends HandlerDeps {
  /** Whether it is time again to log a fault that strangers meet. */
  readonly mayTell: () => boolean;
}

/** How a call ended. `fault` is for the log alone. */
interface Outcome {
  readonly code: status;
  readonly details: string;
  readonly fault?: unknown;
  readonly retryAfterMs?: number | undefined;
}

// The driver ends later than we do, so that its own expiry is never taken for the end of the data.
const driverGraceMs = 5_000;

/** Each call of a stranger may meet the same fault of ours: the log has it this often at most. */
const strangerFaultMs = 60_000;

/** The handler of one of the two RPCs, on encoded messages. */
export function serveMethod(deps: HandlerDeps, method: MetadataMethod): (call: RawCall) => void {
  let calls = 0;
  const mayTell = onceEvery(strangerFaultMs, deps.clock);
  return (call) => {
    calls += 1;
    void serve({ ...deps, log: deps.log.child({ op: `${method.name}-${calls}` }), mayTell }, method, call);
  };
}

async function serve(deps: ServeDeps, method: MetadataMethod, call: RawCall): Promise<void> {
  const startedMs = deps.clock.monotonic();
  const sent = { messages: 0, bytes: 0 };
  using scope = openScope(call, deps);
  const entry: Entry = { known: false, place: undefined };
  let request: MetadataRequest | undefined;
  let outcome: Outcome;
  try {
    const prepared = await prepare(deps, method, call, scope.signal, entry);
    request = prepared.request;
    deps.log.debug({ ...named(request), deadline: new Date(scope.deadlineMs).toISOString() }, "asking the driver");
    outcome = await stream(deps, method, call, scope, prepared, (sizeBytes) => {
      sent.messages += 1;
      sent.bytes += sizeBytes;
      deps.log.trace({ message: sent.messages, sizeBytes }, "message passed on");
    });
  } catch (thrown) {
    outcome = refused(deps, scope.signal.aborted ? scope.signal.reason : thrown);
  }
  // What a caller does not read stays in memory when the call has ended: so does its place among the running.
  onceClosed(call, () => entry.place?.[Symbol.dispose]());
  endCall(call, outcome);
  const durationMs = deps.clock.monotonic() - startedMs;
  deps.metrics.observe({ method, request, code: outcome.code, durationMs });
  report(deps, outcome, entry.known, { ...named(request), ...sent, durationMs: Math.round(durationMs) });
}

/** Everything that happens before the driver is asked, in the order that decides which refusal a caller sees. */
async function prepare(
  deps: HandlerDeps,
  method: MetadataMethod,
  call: RawCall,
  signal: AbortSignal,
  entry: Entry,
): Promise<Prepared> {
  const request = readRequest(method, call.request);
  const arrival = deps.arrivals.arrivalOf(call);
  const caller = await identify(deps, request, arrival, signal);
  arrival.known();
  entry.known = true;
  entry.place = deps.limits.begin(caller);
  await authorize(deps.reviewer, caller, request, signal);
  deps.driver.requireReady();
  if (deps.draining.aborted) throw new Refusal("stopping", "the server is shutting down; call another replica");
  const { ready, secrets } = await resolve(deps, request, signal);
  return {
    request,
    secrets,
    bytes: method.encodeForDriver(request, { snapshotHandle: ready.handle, secrets }),
  };
}

/** Who is calling; a token that a cached audience would refuse is looked at once more with the live one. */
async function identify(
  { audience, reviewer }: HandlerDeps,
  { securityToken: token }: MetadataRequest,
  { peer }: Arrival,
  signal: AbortSignal,
): Promise<UserInfo> {
  const expected = await audience(signal);
  try {
    return await authenticate(reviewer, { token, peer }, expected, signal);
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || thrown.reason !== "unauthenticated") throw thrown;
    const live = await audience(signal, true);
    if (live === expected) throw thrown;
    return await authenticate(reviewer, { token, peer }, live, signal);
  }
}

/** From names to handle and secrets; what a cache would refuse is looked at once more, live. */
async function resolve(
  deps: HandlerDeps,
  request: MetadataRequest,
  signal: AbortSignal,
): Promise<{ ready: ReadySnapshot; secrets: Readonly<Record<string, string>> }> {
  const through = async (reads: MetadataReads) => {
    const driverName = deps.driver.requireName();
    const ready = await resolveTarget(reads, driverName, request, signal);
    const { namespace, baseSnapshotId: handle } = request;
    if (handle !== undefined) await checkBase(reads, { driverName, namespace, handle, target: ready }, signal);
    return { ready, secrets: await resolveSecrets(reads, ready, signal) };
  };
  try {
    return await through(deps.reads);
  } catch (thrown) {
    if (deps.reads === deps.liveReads || signal.aborted || !(thrown instanceof Refusal)) throw thrown;
    return await through(deps.liveReads);
  }
}

async function stream(
  deps: HandlerDeps,
  method: MetadataMethod,
  call: RawCall,
  scope: CallScope,
  { request, bytes, secrets }: Prepared,
  onMessage: (sizeBytes: number) => void,
): Promise<Outcome> {
  scope.requireOpen();
  const check = streamCheck(deps, request);
  const driver = deps.driver.open(method.name, bytes, scope.deadlineMs + driverGraceMs);
  const end = await forward(call, driver, scope.signal, (message, from, to) => {
    check.message(message, from, to);
    onMessage(to - from);
  });
  if (end.code === status.OK) {
    scope.requireOpen();
    if (method === allocated) check.complete();
  }
  return driverOutcome(end, secrets);
}

/** The driver's status, passed on without its metadata, and with the values of secrets taken out of its message. */
function driverOutcome({ code, details }: CallEnd, secrets: Readonly<Record<string, string>>): Outcome {
  const known = code in status && code !== status.UNKNOWN;
  return { code: known ? code : status.INTERNAL, details: scrub(details, Object.values(secrets)) };
}

function refused(deps: HandlerDeps, thrown: unknown): Outcome {
  const refusal = toRefusal(thrown);
  const { message: details, cause: fault, retryAfterMs, limit } = refusal;
  if (limit !== undefined) deps.limited(limit);
  return { code: refusal.code(deps.compatCodes), details, fault, retryAfterMs };
}

function named(request: MetadataRequest | undefined): Record<string, unknown> {
  if (!request) return {};
  const { namespace, snapshotName: name, baseSnapshotId: base, maxResults } = request;
  return { namespace, name, base, startingOffset: String(request.startingOffset), maxResults };
}

/** Answers yes, and then no for this long. */
function onceEvery(ms: number, clock: Clock): () => boolean {
  let quietUntil = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.monotonic();
    if (now < quietUntil) return false;
    quietUntil = now + ms;
    return true;
  };
}

function report(
  { log, mayTell }: ServeDeps,
  { code, details, fault, retryAfterMs }: Outcome,
  known: boolean,
  fields: Record<string, unknown>,
): void {
  const line = { ...fields, code: status[code] };
  const ours = code === status.INTERNAL || code === status.UNAVAILABLE;
  if (code === status.OK) log.info(line, "stream complete");
  // Counted, and told to the caller: a log that strangers can fill is one more thing to exhaust.
  else if (retryAfterMs !== undefined) log.debug({ ...line, reason: details }, "call turned away");
  else if (!known && !(ours && mayTell())) log.debug({ ...line, reason: details }, "call of a stranger refused");
  else if (code === status.INTERNAL) log.error({ ...line, reason: details, err: fault }, "stream failed");
  else log.info({ ...line, reason: details, ...(fault ? { cause: messageOf(fault) } : {}) }, "stream not completed");
}
