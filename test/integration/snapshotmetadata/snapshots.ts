import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../../pkg/apis/snapshot/index.ts";
import type { Rig } from "./rig.ts";

/** Where a snapshot belongs. */
type Owner = Pick<Rig, "admin" | "namespace" | "driverName">;

/** How a snapshot differs from a ready, bound one. */
export interface SnapshotSpec {
  readonly name?: string;
  readonly className?: string;
  readonly contentClassName?: string;
  readonly contentAnnotations?: Record<string, string>;
  readonly driver?: string;
  readonly handle?: string | undefined;
  readonly snapshotStatus?: Record<string, unknown> | null;
  readonly contentStatus?: Record<string, unknown> | null;
  readonly contentRef?: Record<string, string>;
  readonly withoutContent?: boolean;
  /** Where the content comes from; a handle, as of a content that a person made, when absent. */
  readonly source?: { readonly volumeHandle?: string; readonly snapshotHandle?: string };
}

/** Writes a VolumeSnapshot and its content as a snapshot controller would leave them, and returns the name. */
export async function putSnapshot(rig: Owner, spec: SnapshotSpec = {}): Promise<string> {
  const { admin, namespace, driverName } = rig;
  const name = spec.name ?? "snap";
  const contentName = `content-${namespace}-${name}`;
  const snapshot = await admin.create(VolumeSnapshot, {
    metadata: { namespace, name },
    spec: {
      source: { persistentVolumeClaimName: "data" },
      ...(spec.className === undefined ? {} : { volumeSnapshotClassName: spec.className }),
    },
  });
  const ref = { namespace, name, uid: snapshot.metadata.uid ?? "", ...spec.contentRef };
  if (!spec.withoutContent) {
    await admin.create(VolumeSnapshotContent, {
      metadata: { name: contentName, annotations: spec.contentAnnotations ?? {} },
      spec: {
        deletionPolicy: "Delete",
        driver: spec.driver ?? driverName,
        source: { ...(spec.source ?? { snapshotHandle: "handle-1" }) },
        volumeSnapshotRef: ref,
        ...(spec.contentClassName === undefined ? {} : { volumeSnapshotClassName: spec.contentClassName }),
      },
    });
    const ready = { readyToUse: true, snapshotHandle: "handle-1" };
    if (spec.contentStatus !== null) {
      const body = { status: spec.contentStatus ?? ready };
      await admin.patch(
        VolumeSnapshotContent,
        { name: contentName },
        { type: "merge", body },
        { subresource: "status" },
      );
    }
  }
  if (spec.snapshotStatus !== null) {
    const ready = { readyToUse: true, boundVolumeSnapshotContentName: contentName };
    const body = { status: spec.snapshotStatus ?? ready };
    await admin.patch(VolumeSnapshot, { namespace, name }, { type: "merge", body }, { subresource: "status" });
  }
  return name;
}

/** A class of the rig's driver. */
export async function putClass(rig: Owner, name: string, parameters: Record<string, string>, isDefault = false) {
  await rig.admin.create(VolumeSnapshotClass, {
    metadata: {
      name,
      annotations: isDefault ? { "snapshot.storage.kubernetes.io/is-default-class": "true" } : {},
    },
    driver: rig.driverName,
    deletionPolicy: "Delete",
    parameters,
  });
}
