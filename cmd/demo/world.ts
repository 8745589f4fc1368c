import type { Style } from "../../pkg/cli/screen/style.ts";
import type { KubeClient } from "../../pkg/kube/client/index.ts";
import type { DemoOptions } from "./options.ts";
import type { LogLine, Service } from "./processes/service.ts";
import type { Confinement, ToolRun } from "./processes/tool.ts";
import type { Narrator } from "./screen/narrator.ts";

/** What every step of the demo can use. */
export interface World {
  readonly options: DemoOptions;
  readonly narrator: Narrator;
  readonly style: Style;
  /** Aborted by Ctrl-C, and when a process is lost that can not be replaced. */
  readonly signal: AbortSignal;
  /** Private folder of this run. */
  readonly folder: string;
  /** Starts a program and remembers it for the end. */
  startService(plan: ServicePlan): Promise<{ readonly service: Service; readonly ready: LogLine }>;
  /** Runs kubectl-protect with the rights of the backup's ServiceAccount, or of another kubeconfig. */
  tool(args: readonly string[], more?: ToolMore): Promise<ToolRun>;
  /** Does this at the end, unless all is kept. Last in, first out. */
  atEnd(work: () => Promise<void>): void;
  /** As `atEnd`, where the cluster stays when we go. */
  undo(work: () => Promise<void>): void;
}

export interface ServicePlan {
  readonly name: string;
  readonly args: readonly string[];
  readonly argsAgain?: (ready: LogLine) => readonly string[];
  readonly isReady: (line: LogLine) => boolean;
  readonly restarts: boolean;
}

export interface ToolMore {
  readonly kubeconfig?: string;
  readonly onOutput?: (stdout: string) => void;
  readonly confined?: Confinement;
}

/** The API server of this run, as its administrator sees it. */
export interface Cluster {
  readonly admin: KubeClient;
  readonly adminKubeconfig: string;
  readonly url: string;
}

/** Names of everything the demo makes. */
export const names = {
  driver: "dev.csi-data-protection.io",
  audience: "dev.csi-data-protection.io/metadata",
  systemNamespace: "cbt-demo-system",
  namespace: "cbt-demo",
  sidecar: "csi-snapshot-metadata",
  backup: "backup",
  intern: "intern",
  monday: "monday",
  tuesday: "tuesday",
} as const;

export const volumeBytes = 256 * 2 ** 20;
export const blockBytes = 4096;
