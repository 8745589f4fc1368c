export { createElection, type Election, type ElectionOptions } from "./election.ts";
