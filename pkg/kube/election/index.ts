export { createElection, type Election, type ElectionOptions, electionMetrics } from "./election.ts";
