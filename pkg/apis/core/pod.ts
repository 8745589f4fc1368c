import { builtIn, type KubeObject } from "../schema/index.ts";

/** The container fields that populators and tests set. */
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  workingDir?: string;
  env?: { name: string; value?: string }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean; subPath?: string }[];
  volumeDevices?: { name: string; devicePath: string }[];
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
  securityContext?: Record<string, unknown>;
}

/** A volume of a pod: the sources that we use. */
export interface PodVolume {
  name: string;
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean };
  emptyDir?: { medium?: string; sizeLimit?: string };
  configMap?: { name?: string };
  secret?: { secretName?: string };
}

/** State of one container in `status.containerStatuses`. */
export interface ContainerStatus {
  name: string;
  ready?: boolean;
  restartCount?: number;
  state?: {
    running?: { startedAt?: string };
    waiting?: { reason?: string; message?: string };
    terminated?: { exitCode: number; reason?: string; message?: string; finishedAt?: string };
  };
}

/** core/v1 Pod. */
export interface Pod extends KubeObject {
  spec?: {
    containers: Container[];
    initContainers?: Container[];
    volumes?: PodVolume[];
    nodeName?: string;
    nodeSelector?: Record<string, string>;
    restartPolicy?: "Always" | "OnFailure" | "Never";
    serviceAccountName?: string;
    automountServiceAccountToken?: boolean;
    priorityClassName?: string;
    tolerations?: Record<string, unknown>[];
    affinity?: Record<string, unknown>;
    securityContext?: Record<string, unknown>;
    terminationGracePeriodSeconds?: number;
    activeDeadlineSeconds?: number;
  };
  status?: {
    phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
    reason?: string;
    message?: string;
    podIP?: string;
    hostIP?: string;
    startTime?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
  };
}

export const Pod = builtIn<Pod>({ group: "", version: "v1", kind: "Pod", plural: "pods" });
