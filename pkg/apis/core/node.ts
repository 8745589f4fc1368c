import { builtIn, type KubeObject } from "../schema/index.ts";

/** core/v1 Node: labels and readiness. */
export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export const Node = builtIn<Node>({ group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false });
