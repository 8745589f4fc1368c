import { builtIn, type KubeObject } from "../schema/index.ts";

/** coordination.k8s.io/v1 Lease: who leads, and until when. */
export interface Lease extends KubeObject {
  spec?: {
    /** Empty when released. */
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds. */
    acquireTime?: string | null;
    /** RFC 3339 with microseconds. */
    renewTime?: string | null;
    leaseTransitions?: number;
  };
}

export const Lease = builtIn<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
});
