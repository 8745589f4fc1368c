/** Worker: calls a metadata service over TLS and counts bytes, on plain HTTP/2 so that little is spent on this side. */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
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

/** Either so many streams at once, each on its own connection; or one-message calls, for so long or so many. */
export type CallerJob =
  | { readonly kind: "streams"; readonly question: Question; readonly streams: number }
  | {
      readonly kind: "calls";
      readonly question: Question;
      readonly parallel: number;
      readonly forMs: number;
      readonly atMost: number;
    };

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

async function open({ port, caPem }: Question): Promise<ClientHttp2Session> {
  const settings = { initialWindowSize: windowBytes, enablePush: false };
  const session = connect(`https://localhost:${port}`, { ca: caPem, settings });
  await once(session, "remoteSettings");
  session.setLocalWindowSize(windowBytes);
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

function call(session: ClientHttp2Session, request: Buffer): Promise<Call> {
  const startedMs = performance.now();
  let bytes = 0;
  let firstMs = Number.NaN;
  let status: string | undefined;
  let message = "";
  const stream = session.request({
    ":method": "POST",
    ":path": "/snapshotmetadata.SnapshotMetadata/GetMetadataAllocated",
    "content-type": "application/grpc",
    te: "trailers",
  });
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
    stream.on("close", () => {
      if (status === "0") resolve({ bytes, firstMs, totalMs: performance.now() - startedMs });
      else reject(new Error(`the call ended with grpc-status ${status}: ${decodeURIComponent(message)}`));
    });
  });
}

async function run(job: CallerJob): Promise<Called> {
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
