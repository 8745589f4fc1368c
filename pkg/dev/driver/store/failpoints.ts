import { defineFailpoints, type Failpoint } from "../../../runtime/failpoints/index.ts";

const steps = [
  "add.begun",
  "add.filled",
  "add.published",
  "add.recorded",
  "update.begun",
  "update.recorded",
  "remove.begun",
  "remove.forgotten",
  "remove.done",
] as const;

/** A step that changes what is on disk. */
export type ShelfStep = (typeof steps)[number];

/** What is on a shelf. */
export type ShelfNoun = "volume" | "snapshot";

/** Name of one point at which tests kill the driver. */
export type DriverFailpointName = `dev-driver.${ShelfNoun}.${ShelfStep}`;

/** Every step that changes the state folder. */
export const driverFailpoints = defineFailpoints<DriverFailpointName>(
  (["volume", "snapshot"] as const).flatMap((noun) => steps.map((step) => `dev-driver.${noun}.${step}` as const)),
);

export type DriverFailpoint = Failpoint<DriverFailpointName>;
