/** How each program is started and when it counts as serving. */
import { join } from "node:path";
import type { Ground } from "../ground.ts";
import { freePort } from "../measure/ports.ts";
import type { Program } from "../measure/programs.ts";
import { sidecarArguments, untilProbed, untilSaid, untilServing } from "./serving.ts";

/** One start of a program: its arguments and the condition to wait for. */
export interface Start {
  readonly args: readonly string[];
  readonly until: (program: Program) => Promise<void>;
}

/** A program of bin/. */
export interface Subject {
  readonly name: string;
  /** What it is measured to. */
  readonly to: string;
  /** Stays until it is stopped, so that it has an idle memory and the limits apply. */
  readonly serves: boolean;
  readonly start: () => Promise<Start>;
}

/** Knows the programs that serve; any other is measured to the end of `--version`. */
export function subjectOf(name: string, ground: Ground, driverSocket: string): Subject {
  const serving = servers(ground, driverSocket)[name];
  if (serving !== undefined) return { name, serves: true, ...serving };
  const untilEnd = async (program: Program): Promise<void> => {
    const code = await program.ended;
    if (code !== 0) throw new Error(`${name} --version ended with ${code}: ${program.stdout()}`);
  };
  return {
    name,
    to: "end of --version",
    serves: false,
    start: async () => ({ args: ["--version"], until: untilEnd }),
  };
}

function servers(ground: Ground, driverSocket: string): Record<string, Pick<Subject, "to" | "start"> | undefined> {
  let starts = 0;
  return {
    "csi-snapshot-metadata": {
      to: "gRPC health over TLS and /readyz",
      start: async () => {
        const ports = { grpc: await freePort(), http: await freePort() };
        return {
          args: sidecarArguments(ground, driverSocket, ports),
          until: (program) => untilServing(program, ports, ground.caPem),
        };
      },
    },
    "dev-driver": {
      to: "Probe answered on its socket",
      start: async () => {
        starts += 1;
        const folder = join(ground.folder, `driver-${starts}`);
        const socket = join(ground.folder, `driver-${starts}.sock`);
        return {
          args: [`--endpoint=unix://${socket}`, `--statedir=${folder}`],
          until: (program) => untilProbed(program, socket),
        };
      },
    },
    "dev-cluster": {
      to: "the line that says ready",
      start: async () => ({
        args: [`--kubeconfig=${join(ground.folder, "dev-cluster.kubeconfig")}`],
        until: (program) => untilSaid(program, `"ready":true`),
      }),
    },
  };
}
