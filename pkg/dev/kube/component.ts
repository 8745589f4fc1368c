import { rm, writeFile } from "node:fs/promises";
import type { Component, Env } from "../../runtime/lifecycle/index.ts";
import { choice, defineOptions, integer, type OptionsOf, text } from "../../runtime/options/index.ts";
import { aborted } from "../../runtime/timing/index.ts";
import type { DevKube } from "./dev-kube.ts";
import { startDevKube } from "./start.ts";

const clusterOptions = defineOptions({
  port: integer("port", 0, "Port on 127.0.0.1; 0 takes a free one"),
  kubeconfig: text("kubeconfig", "", "File for the administrator's kubeconfig, readable by its owner only; required"),
  state: choice("state", "none", ["none"], "Where objects are kept; none: in memory, gone at the end"),
  historyLimit: integer("history-limit", 1000, "Changes kept per resource for watches; older versions answer 410"),
}).check((options, problem) => {
  if (options.kubeconfig === "") problem("kubeconfig", "is required: the file to write the kubeconfig to");
  if (options.port < 0 || options.port > 65_535) problem("port", "expected a port between 0 and 65535");
  if (options.historyLimit < 1) problem("history-limit", "must be at least 1");
});

/** Flags of dev-cluster. */
export type ClusterFlags = OptionsOf<typeof clusterOptions>;

/** Where the line that says "serving" goes: one JSON object, for whoever started the program. */
export interface Announcement {
  write(line: string): unknown;
}

/** The embedded API server as a component of a program. */
export function devCluster(announcement: Announcement): Component<ClusterFlags> {
  return {
    name: "dev-cluster",
    summary: "Kubernetes API server in memory, on loopback, for development and tests",
    options: clusterOptions,
    rbac: [],
    build: (flags, env) => Promise.resolve({ run: (signal) => run(flags, env, announcement, signal) }),
  };
}

async function run(flags: ClusterFlags, env: Env, announcement: Announcement, signal: AbortSignal): Promise<void> {
  const { port, historyLimit, kubeconfig } = flags;
  const kube = await startDevKube({ port, historyLimit, log: env.log, clock: env.clock });
  try {
    await writeKubeconfig(kubeconfig, kube);
    announcement.write(`${JSON.stringify({ ready: true, kubeconfig, url: kube.url })}\n`);
    await aborted(signal);
  } finally {
    await kube.close();
    await rm(kubeconfig, { force: true });
  }
}

/** A file that is there already may be readable by others, so it goes first. */
async function writeKubeconfig(path: string, kube: DevKube): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, kube.kubeconfig, { mode: 0o600, flag: "wx" });
}
