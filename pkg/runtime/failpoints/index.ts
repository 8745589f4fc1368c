export {
  type ArmedFailpoint,
  defineFailpoints,
  type Failpoint,
  type FailpointAction,
  type FailpointPlan,
  type FailpointSet,
  parseFailpoints,
} from "./failpoints.ts";
