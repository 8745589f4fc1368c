import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChannelCredentials, Client, credentials } from "@grpc/grpc-js";
import { IdentityService } from "../../../pkg/gen/csi/v1/csi.ts";
import { HealthCheckResponse_ServingStatus, HealthService } from "../../../pkg/gen/grpc/health/v1/health.ts";
import { messageOf } from "../../../pkg/runtime/errors/index.ts";
import type { Ground } from "../ground.ts";
import type { Program } from "../measure/programs.ts";

const askEveryMs = 5;
const patienceMs = 30_000;

export interface SidecarPorts {
  readonly grpc: number;
  readonly http: number;
}

/** Flags that the original takes as well. */
export function sidecarArguments({ files }: Ground, socket: string, ports: SidecarPorts): string[] {
  return [
    `--csi-address=${socket}`,
    `--tls-cert=${files.cert}`,
    `--tls-key=${files.key}`,
    `--kubeconfig=${files.kubeconfig}`,
    `--port=${ports.grpc}`,
    `--http-endpoint=127.0.0.1:${ports.http}`,
  ];
}

/**
 * Settles when the sidecar is serving: the HTTP path is 200, and gRPC health over TLS says so too. In this order, since a
 * TLS handshake for each question would be a good part of what is measured.
 */
export async function untilServing(program: Program, ports: SidecarPorts, caPem: string): Promise<void> {
  const trust = credentials.createSsl(Buffer.from(caPem));
  await until(program, () => connectable(ports.http));
  await until(program, () => httpReady(ports.http));
  await until(program, () => healthy(ports.grpc, trust));
}

async function httpReady(port: number): Promise<void> {
  // The path of ours, then the original's.
  for (const path of ["/readyz", "/health"]) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    await answer.arrayBuffer();
    if (answer.status === 200) return;
  }
  throw new Error("not ready over HTTP");
}

/** Asked first, since it costs next to nothing: the program that is measured needs the processor. */
async function connectable(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}

async function healthy(port: number, trust: ChannelCredentials): Promise<void> {
  using client = grpcClient(`127.0.0.1:${port}`, trust);
  const answer = await client.ask<{ status: number }>(HealthService.check, { service: "" });
  if (answer.status !== HealthCheckResponse_ServingStatus.SERVING) throw new Error("not ready over gRPC");
}

/** Settles when a CSI driver answers Probe on its socket. */
export async function untilProbed(program: Program, socket: string): Promise<void> {
  await until(program, async () => {
    using client = grpcClient(`unix://${socket}`, credentials.createInsecure());
    await client.ask(IdentityService.probe, {});
  });
}

/** Settles when the program has said on standard output that it is ready. */
export async function untilSaid(program: Program, word: string): Promise<void> {
  await until(program, async () => {
    if (!program.stdout().includes(word)) throw new Error(`not said yet: ${word}`);
  });
}

async function until(program: Program, attempt: () => Promise<void>): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      program.alive();
      if (performance.now() > end) throw new Error(`never served: ${messageOf(thrown)}`, { cause: thrown });
    }
    await sleep(askEveryMs);
  }
}

interface Method {
  readonly path: string;
  readonly requestSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** A client for one question: one that failed to connect would wait a second before it tried again. */
function grpcClient(address: string, trust: ChannelCredentials) {
  const client = new Client(address, trust, {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.ssl_target_name_override": "localhost",
  });
  return {
    ask: <T>(method: Method, request: object): Promise<T> =>
      new Promise((resolve, reject) => {
        const serialize = method.requestSerialize as (value: object) => Buffer;
        const deserialize = method.responseDeserialize as (bytes: Buffer) => T;
        client.makeUnaryRequest(method.path, serialize, deserialize, request, (error, value) =>
          value === undefined ? reject(error) : resolve(value),
        );
      }),
    [Symbol.dispose]: () => client.close(),
  };
}
