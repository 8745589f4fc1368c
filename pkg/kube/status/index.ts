export { type Condition, type ConditionWish, setCondition } from "./conditions.ts";
export { patchStatus, type StatusWrite } from "./patch-status.ts";
