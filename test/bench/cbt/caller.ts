/** Worker: calls a metadata service over TLS and counts bytes, on plain HTTP/2 so that little is spent on this side. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { GetMetadataAllocatedRequest } from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { answerJobs } from "../measure/worker.ts";

/** Where to call, and what for. */
export interface Question {
  readonly port: number;
  readonly caPem: string;
  readonly token: string;
  readonly namespace: string;
  readonly snapshot: string;
  readonly perMessage: number;
}

/**
 * So many streams at once, each on its own connection; one-message calls, for so long or so many; streams whose callers
 * read once and then stand still, until they are told to leave; or so many calls with random tokens.
 */
export type CallerJob =
  | { readonly kind: "streams"; readonly question: Question; readonly streams: number }
  | {
      readonly kind: "calls";
      readonly question: Question;
      readonly parallel: number;
      readonly forMs: number;
      readonly atMost: number;
    }
  | { readonly kind: "stalled"; readonly question: Question; readonly streams: number }
  | { readonly kind: "leave" }
  | { readonly kind: "flood"; readonly question: Question; readonly tokens: number; readonly parallel: number };

/** Callers that stand still. */
export interface Stalled {
  readonly streams: number;
}

/** What became of random tokens. */
export interface Flooded {
  /** The API server was asked about these. */
  readonly reviewed: number;
  readonly elapsedMs: number;
}

/** What one call gave; it ended well, or it would have been an error. */
interface Call {
  readonly bytes: number;
  readonly firstMs: number;
  readonly totalMs: number;
}

/** All calls of a job, from the first request to the last end. Connections were there before. */
export interface Called {
  readonly calls: readonly Call[];
  readonly elapsedMs: number;
}

/** As the client library of this project sets it. */
const windowBytes = 2 ** 20;

async function open({ port, caPem }: Question, window = windowBytes): Promise<ClientHttp2Session> {
  const settings = { initialWindowSize: window, enablePush: false };
  const session = connect(`https://localhost:${port}`, { ca: caPem, settings });
  await once(session, "remoteSettings");
  session.setLocalWindowSize(window);
  return session;
}

function encode({ token: securityToken, namespace, snapshot, perMessage }: Question): Buffer {
  const request = { securityToken, namespace, snapshotName: snapshot, startingOffset: 0n, maxResults: perMessage };
  const body = GetMetadataAllocatedRequest.encode(request).finish();
  const framed = Buffer.alloc(5 + body.byteLength);
  framed.writeUInt32BE(body.byteLength, 1);
  framed.set(body, 5);
  return framed;
}

const callHeaders = {
  ":method": "POST",
  ":path": "/snapshotmetadata.SnapshotMetadata/GetMetadataAllocated",
  "content-type": "application/grpc",
  te: "trailers",
};

/** gRPC's codes of a token that is not valid, and of one that was not even looked at. */
const [unauthenticated, resourceExhausted] = ["16", "8"];

/** As long as a token of a ServiceAccount. */
const tokenBytes = 700;

async function flood(question: Question, tokens: number, parallel: number): Promise<Flooded> {
  const session = await open(question);
  const startedMs = performance.now();
  let left = tokens;
  let reviewed = 0;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const token = randomBytes(tokenBytes).toString("base64url");
      const { status } = await outcome(session, encode({ ...question, token }));
      if (status === unauthenticated) reviewed += 1;
      else if (status !== resourceExhausted) throw new Error(`a random token ended with grpc-status ${status}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: parallel }, lane));
    return { reviewed, elapsedMs: performance.now() - startedMs };
  } finally {
    session.destroy();
  }
}

async function call(session: ClientHttp2Session, request: Buffer): Promise<Call> {
  const { status, message, ...call } = await outcome(session, request);
  if (status === "0") return call;
  throw new Error(`the call ended with grpc-status ${status}: ${decodeURIComponent(message)}`);
}

interface Outcome extends Call {
  readonly status: string | undefined;
  readonly message: string;
}

function outcome(session: ClientHttp2Session, request: Buffer): Promise<Outcome> {
  const startedMs = performance.now();
  let bytes = 0;
  let firstMs = Number.NaN;
  let status: string | undefined;
  let message = "";
  const stream = session.request(callHeaders);
  const read = (headers: Record<string, unknown>): void => {
    if (headers["grpc-status"] === undefined) return;
    status = String(headers["grpc-status"]);
    message = String(headers["grpc-message"] ?? "");
  };
  stream.on("response", read).on("trailers", read);
  stream.on("data", (chunk: Buffer) => {
    if (bytes === 0) firstMs = performance.now() - startedMs;
    bytes += chunk.byteLength;
  });
  stream.end(request);
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("close", () => resolve({ bytes, firstMs, totalMs: performance.now() - startedMs, status, message }));
  });
}

/** As Node has it by default, and other libraries: a caller that stands still has not asked for more. */
const smallWindow = 65_535;

/** How long everything that is on its way to callers that do not read may take to arrive, in milliseconds. */
const settlingMs = 3_000;

/** Callers that stand still share connections, so that the server's limit on connections of one address lets them in. */
const streamsPerConnection = 4;

const standing: ClientHttp2Session[] = [];

/** Opens streams, reads the first piece of each, and stands still until nothing can be on its way any more. */
async function stall(question: Question, streams: number): Promise<Stalled> {
  const request = encode(question);
  for (let count = 0; count < streams; count += 1) {
    if (count % streamsPerConnection === 0) {
      const opened = await open(question, smallWindow);
      opened.setLocalWindowSize(streamsPerConnection * smallWindow);
      standing.push(opened);
    }
    const session = standing.at(-1);
    if (session === undefined) throw new Error("a caller needs a connection");
    const stream = session.request(callHeaders);
    stream.on("error", () => undefined);
    stream.end(request);
    stream.once("data", () => stream.pause());
    await once(stream, "data");
    if (stream.readableEnded) throw new Error("a stream is too short to stand still");
  }
  await sleep(settlingMs);
  return { streams };
}

function leave(): Stalled {
  for (const session of standing.splice(0)) session.destroy();
  return { streams: 0 };
}

async function run(job: CallerJob): Promise<Called | Stalled | Flooded> {
  if (job.kind === "leave") return leave();
  if (job.kind === "flood") return await flood(job.question, job.tokens, job.parallel);
  if (job.kind === "stalled") return await stall(job.question, job.streams);
  const lanes = job.kind === "streams" ? job.streams : job.parallel;
  const sessions = await Promise.all(Array.from({ length: lanes }, () => open(job.question)));
  const request = encode(job.question);
  const startedMs = performance.now();
  try {
    const calls = await Promise.all(
      sessions.map(async (session) => {
        if (job.kind === "streams") return [await call(session, request)];
        const done: Call[] = [];
        while (done.length < job.atMost && performance.now() - startedMs < job.forMs) {
          done.push(await call(session, request));
        }
        return done;
      }),
    );
    return { calls: calls.flat(), elapsedMs: performance.now() - startedMs };
  } finally {
    for (const session of sessions) session.destroy();
  }
}

answerJobs(run);
