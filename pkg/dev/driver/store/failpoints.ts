import { defineFailpoints, type Failpoint } from "../../../runtime/failpoints/index.ts";

const steps = [
  "add.begun",
  "add.filled",
  "add.published",
  "add.recorded",
  "record.staged",
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

const names = (["volume", "snapshot"] as const).flatMap((noun) =>
  steps.map((step) => `dev-driver.${noun}.${step}` as const),
);

/** Every step that changes the state folder. A snapshot's record never changes, so that it has no update. */
export const driverFailpoints = defineFailpoints<DriverFailpointName>(
  names.filter((name) => !name.startsWith("dev-driver.snapshot.update")),
);

export type DriverFailpoint = Failpoint<DriverFailpointName>;
