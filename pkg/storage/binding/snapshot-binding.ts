/** The parts of a VolumeSnapshot that decide whether a content belongs to it. */
export interface BindableSnapshot {
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
}

/** The parts of a VolumeSnapshotContent that decide which snapshot it belongs to. */
export interface BindableContent {
  readonly metadata: { readonly name?: string };
  readonly spec: {
    readonly volumeSnapshotRef: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
  };
}

/**
 * Why this content does not belong to this snapshot, or nothing when it does.
 *
 * A snapshot may name any content; only a content that points back, by name, namespace and uid, is its own. A uid that
 * the content does not carry yet (a pre-provisioned content before binding) is no proof, so it is refused as well.
 */
export function bindingFault(snapshot: BindableSnapshot, content: BindableContent): string | undefined {
  const ref = content.spec.volumeSnapshotRef;
  const { name, namespace, uid } = snapshot.metadata;
  const here = `VolumeSnapshotContent ${content.metadata.name ?? ""}`;
  if (ref.name !== name || ref.namespace !== namespace) {
    return `${here} belongs to VolumeSnapshot ${ref.namespace ?? ""}/${ref.name ?? ""}`;
  }
  if (ref.uid === undefined || ref.uid === "") return `${here} is not bound yet: its volumeSnapshotRef has no uid`;
  if (ref.uid !== uid) return `${here} belongs to an earlier VolumeSnapshot of the same name`;
  return undefined;
}
