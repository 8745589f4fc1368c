export {
  type ControllerOptions,
  createController,
  done,
  fromInformer,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
  requeueAfter,
  type Source,
} from "./controller.ts";
export { failureRules } from "./handling.ts";
export { controllerMetrics } from "./metrics.ts";
