import { gauge, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";

const masterStatus = {
  type: "gauge",
  name: "leader_election_master_status",
  help: "Whether this process leads: 1 for the leader, 0 for those that wait. 'name' is the name of the lease.",
  labels: ["name"],
} as const satisfies MetricFamily;

/** client-go's metric of leader election, for the reference page. */
export const electionMetrics: readonly MetricFamily[] = [masterStatus];

/** Says under client-go's name who leads; without a registry it says nothing. */
export function electionMeter(registry: Registry | undefined, name: string): (leads: boolean) => void {
  if (registry === undefined) return () => undefined;
  const status = gauge(registry, masterStatus);
  return (leads) => status.set({ name }, leads ? 1 : 0);
}
