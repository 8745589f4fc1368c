export type { BlockType } from "./blocks/tuples.ts";
export { type Announcement, type DriverFlags, devDriver } from "./component.ts";
export { type DevDriver, type DevDriverOptions, startDevDriver } from "./driver.ts";
export { type Corruption, corruptions, type Fault, type FaultPlan, faultyRpcs } from "./faults/fault-plan.ts";
