export {
  type RangeStream,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildStep,
  rebuildDevice,
  rebuildSteps,
} from "./rebuild.ts";
export type { RebuildReport, Verification } from "./report.ts";
export { type VerifyOptions, type VerifyProgress, verifyDevice } from "./verify.ts";
