import type { BuiltinKind } from "../built-in-kind.ts";
import { clusterRoleBindingKind, clusterRoleKind, leaseKind, roleBindingKind, roleKind } from "./access.ts";
import { claimKind } from "./claim.ts";
import { configMapKind, namespaceKind, nodeKind, secretKind, serviceAccountKind } from "./core.ts";
import { coreEventKind, eventKind } from "./events.ts";
import { podKind } from "./pod.ts";
import {
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  storageClassKind,
  volumeAttachmentKind,
} from "./storage.ts";
import { persistentVolumeKind } from "./volume.ts";

/** Every built-in kind that is stored, apart from CustomResourceDefinition. */
export const builtinKinds: readonly BuiltinKind[] = [
  namespaceKind,
  secretKind,
  configMapKind,
  serviceAccountKind,
  coreEventKind,
  eventKind,
  podKind,
  nodeKind,
  persistentVolumeKind,
  claimKind,
  storageClassKind,
  csiDriverKind,
  csiNodeKind,
  volumeAttachmentKind,
  csiStorageCapacityKind,
  leaseKind,
  roleKind,
  roleBindingKind,
  clusterRoleKind,
  clusterRoleBindingKind,
];
