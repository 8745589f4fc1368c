export { createController } from "./controller.ts";
export { failureRules } from "./handling.ts";
export { controllerMetrics } from "./metrics.ts";
export type { ControllerOptions } from "./options.ts";
export { done, type Outcome, type ReconcileContext, type Reconciler, requeueAfter } from "./reconciler.ts";
export { fromInformer, type Source } from "./source.ts";
