export { type BlockType, type DevDriver, type DevDriverOptions, startDevDriver } from "./driver.ts";
export { type Corruption, corruptions, type Fault, type FaultPlan } from "./faults/fault-plan.ts";
