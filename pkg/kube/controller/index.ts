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
