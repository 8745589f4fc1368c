import { demoOptions } from "../cmd/demo/options.ts";
import { verbs } from "../pkg/cli/index.ts";
import { devDriver } from "../pkg/dev/driver/index.ts";
import { devCluster } from "../pkg/dev/kube/index.ts";
import type { AnyComponent } from "../pkg/runtime/lifecycle/index.ts";
import type { FlagsPageProgram } from "../pkg/runtime/options/index.ts";
import { metadataServer, serviceAnnouncement } from "../pkg/snapshotmetadata/index.ts";

/** A program that runs components, as the generated manifests and pages describe it. */
export interface DescribedProgram {
  readonly name: string;
  readonly summary: string;
  readonly components: readonly AnyComponent[];
}

/** The programs that are installed in a cluster, each with the components its main.ts lists. Only they get rights. */
export const programs: readonly DescribedProgram[] = [
  {
    name: "csi-snapshot-metadata",
    summary: "Changed block tracking: the Kubernetes SnapshotMetadata service beside a CSI driver.",
    components: [metadataServer, serviceAnnouncement],
  },
];

/** Here nothing is served, so there is nothing to announce. */
const nowhere = { write: () => undefined };

/** The programs for development and tests; they run components too, but never in a cluster. */
export const developmentPrograms: readonly DescribedProgram[] = [
  {
    name: "dev-cluster",
    summary: "A Kubernetes API server in memory, on loopback, for development and tests only.",
    components: [devCluster(nowhere)],
  },
  {
    name: "dev-driver",
    summary: "A CSI driver over sparse files, for development and tests only.",
    components: [devDriver(nowhere)],
  },
];

/** The programs for people at a terminal: they end by themselves and have flags of their own only. */
export const commandLinePrograms: readonly FlagsPageProgram[] = [
  {
    name: "kubectl-protect",
    summary: "Data protection for volumes of CSI drivers, from the command line; `kubectl protect` to kubectl.",
    groups: verbs.map(({ words, options }) => ({ title: words, options })),
  },
  {
    name: "demo",
    summary: "The whole path of changed block tracking on a database: `make demo`, and with --serve `make dev`.",
    groups: [{ title: "flags", options: demoOptions }],
  },
];
