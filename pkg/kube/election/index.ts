export { createElection, type Election, type ElectionOptions } from "./election.ts";
export { electionMetrics } from "./metrics.ts";
