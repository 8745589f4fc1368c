import type { AnyComponent } from "../pkg/runtime/lifecycle/index.ts";
import { metadataServer } from "../pkg/snapshotmetadata/index.ts";

/** A program as the generated manifests and pages describe it. */
export interface DescribedProgram {
  readonly name: string;
  readonly summary: string;
  readonly components: readonly AnyComponent[];
}

/** The programs that are installed in a cluster, each with the components its main.ts lists. */
export const programs: readonly DescribedProgram[] = [
  {
    name: "csi-snapshot-metadata",
    summary: "Changed block tracking: the Kubernetes SnapshotMetadata service beside a CSI driver.",
    components: [metadataServer],
  },
];
