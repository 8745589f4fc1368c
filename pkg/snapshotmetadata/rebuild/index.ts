export { type RangeStream, type RebuildOptions, type RebuildStep, rebuildDevice, rebuildSteps } from "./rebuild.ts";
export type { RebuildReport, Verification } from "./report.ts";
