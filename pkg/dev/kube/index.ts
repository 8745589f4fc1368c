export { type Announcement, type ClusterFlags, devCluster } from "./component.ts";
export type { DevKube, DevKubeHooks, DevKubeOptions, Disturbance, RequestMatch } from "./dev-kube.ts";
export { type Faults, type PlantedFault, plantedFaults } from "./faults.ts";
export { startDevKube } from "./start.ts";
