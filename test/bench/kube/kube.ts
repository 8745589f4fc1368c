import type { Ground } from "../ground.ts";
import { median } from "../measure/median.ts";
import { Worker } from "../measure/worker.ts";
import { cell, type Table } from "../report/table.ts";
import type { Sizes } from "../sizes.ts";
import type { KubeJob, KubeRun, Way } from "./caller.ts";

/** One way to read an object; medians over the rounds. */
export interface KubeFigures {
  readonly cluster: Ground["clusterKind"];
  readonly sizes: Sizes["kube"];
  readonly rows: readonly {
    readonly way: Way;
    readonly msPerRequest: number;
    readonly p50Ms: number;
    readonly cpuMsPerRequest: number;
    readonly connections: number;
  }[];
}

export interface KubeDeps {
  readonly ground: Ground;
  readonly sizes: Sizes["kube"];
  readonly say: (line: string) => void;
}

const compared: readonly Way[] = ["pkg/kube", "node:https, keep-alive", "client-node CoreV1Api"];

/** Reads one object again and again, each way in a process of its own, in turn. */
export async function measureKube({ ground, sizes, say }: KubeDeps): Promise<KubeFigures> {
  await using stack = new AsyncDisposableStack();
  const workers = compared.map((way) => ({
    way,
    worker: stack.use(Worker.start(new URL("caller.ts", import.meta.url))),
    runs: [] as KubeRun[],
  }));
  const { rounds, requests, parallel } = sizes;
  for (let round = 0; round <= rounds; round += 1) {
    for (const { way, worker, runs } of workers) {
      say(`kube: ${round === 0 ? "warming up" : `round ${round}`}, ${way}`);
      const job: KubeJob = { way, kubeconfig: ground.adminKubeconfig, requests, parallel };
      const run = await worker.ask<KubeRun>(job);
      if (round > 0) runs.push(run);
    }
  }
  const rows = workers.map(({ way, runs }) => {
    const over = (figure: (run: KubeRun) => number): number => median(runs.map(figure));
    return {
      way,
      msPerRequest: over((run) => run.elapsedMs / requests),
      p50Ms: over((run) => median(run.latenciesMs)),
      cpuMsPerRequest: over((run) => run.cpuMs / requests),
      connections: over((run) => run.connections),
    };
  });
  return { cluster: ground.clusterKind, sizes, rows };
}

/** The figures as they are shown. */
export function kubeTables({ rows, sizes, cluster }: KubeFigures): Table[] {
  const ours = rows.find(({ way }) => way === "pkg/kube");
  return [
    {
      title: "Reading one object from the API server",
      columns: ["client", "ms/request", "client ÷ pkg/kube", "p50, ms", "CPU ms/request", "new connections"],
      rows: rows.map((row) => [
        row.way,
        cell(row.msPerRequest, 3),
        `${cell(row.msPerRequest / (ours?.msPerRequest ?? Number.NaN), 2)} ×`,
        cell(row.p50Ms, 2),
        cell(row.cpuMsPerRequest, 3),
        cell(row.connections),
      ]),
      notes: [
        `${sizes.requests} GETs, ${sizes.parallel} parallel, medians of ${sizes.rounds} rounds, each with a new client; API server: ${cluster}.`,
        "ms/request is time by the clock over requests; CPU is the client's process alone.",
      ],
    },
  ];
}
