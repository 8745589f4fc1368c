import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** Facts without which a figure says nothing. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** How many processes wanted a core in the last minute, before anything was measured: what shakes the figures. */
  readonly load: number;
}

/** This machine, today. */
export function thisMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}
