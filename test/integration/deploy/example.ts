import type { Pod } from "../../../pkg/apis/core/index.ts";
import type { KubeObject } from "../../../pkg/apis/schema/index.ts";
import { manifest } from "../../support/manifests.ts";

/** The container of the metadata server, as far as tests look at it. */
export interface ServerContainer {
  readonly name: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly securityContext: Record<string, unknown>;
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly securityContext: Record<string, unknown>;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly ServerContainer[];
  readonly volumes: readonly {
    readonly name: string;
    readonly emptyDir?: object;
    readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  }[];
}

export interface StatefulSet extends KubeObject {
  readonly spec: {
    readonly serviceName: string;
    readonly selector: { readonly matchLabels: Record<string, string> };
    readonly template: Pick<Pod, "metadata"> & { readonly spec: PodSpec };
  };
}

/** The example of deploy/csi-snapshot-metadata, and in it the driver's container and ours. */
export async function exampleSet() {
  const set = (await manifest("csi-snapshot-metadata/statefulset.yaml", "StatefulSet")) as unknown as StatefulSet;
  const [driver, server, ...more] = set.spec.template.spec.containers;
  if (driver === undefined || server?.name !== "csi-snapshot-metadata" || more.length > 0) {
    throw new Error("the example must hold a driver and csi-snapshot-metadata, in this order");
  }
  return { set, pod: set.spec.template.spec, driver, server };
}

/** The container's arguments with the folders that are mounted there replaced by others. */
export function reRooted(args: readonly string[], folders: Readonly<Record<string, string>>): string[] {
  return args.map((arg) =>
    Object.entries(folders).reduce((text, [mount, folder]) => text.replace(`=${mount}/`, `=${folder}/`), arg),
  );
}
