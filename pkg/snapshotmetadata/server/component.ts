import { driverOperations } from "../../csi/index.ts";
import { clientMetrics } from "../../kube/client/index.ts";
import { cacheMetrics } from "../../kube/informer/index.ts";
import type { Component } from "../../runtime/lifecycle/index.ts";
import { tlsMetrics } from "../../serving/tls/index.ts";
import { admissionMetrics } from "./admission/metrics.ts";
import { serverMetrics } from "./metrics.ts";
import { type MetadataServerOptions, metadataServerOptions } from "./options.ts";
import { rules } from "./rbac.ts";
import { buildServer } from "./server.ts";

/** The sidecar that serves the Kubernetes SnapshotMetadata API for one CSI driver. */
export const metadataServer: Component<MetadataServerOptions> = {
  name: "snapshot-metadata",
  summary: "Serves the Kubernetes SnapshotMetadata API for the snapshots of one CSI driver",
  options: metadataServerOptions,
  rbac: rules,
  metrics: [...serverMetrics, ...admissionMetrics, driverOperations, ...clientMetrics, ...cacheMetrics, ...tlsMetrics],
  build: buildServer,
};
