/** What is kept of each object in a watch cache: the fields that a call looks at, and no more. */
import type { SnapshotMetadataService } from "../../../apis/cbt/index.ts";
import type { ObjectMeta } from "../../../apis/schema/index.ts";
import type { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import { deletionSecretAnnotations, snapshotterSecret } from "../../../storage/secrets/index.ts";
import { defaultClassAnnotation } from "./secrets.ts";

export function trimSnapshot({ metadata, spec, status }: VolumeSnapshot): VolumeSnapshot {
  const { readyToUse, boundVolumeSnapshotContentName, error } = status ?? {};
  return {
    metadata: trimMetadata(metadata),
    spec: { source: {}, ...defined({ volumeSnapshotClassName: spec.volumeSnapshotClassName }) },
    ...(status ? { status: defined({ readyToUse, boundVolumeSnapshotContentName, error }) } : {}),
  };
}

export function trimContent({ metadata, spec, status }: VolumeSnapshotContent): VolumeSnapshotContent {
  const { readyToUse, snapshotHandle } = status ?? {};
  const { name, namespace } = deletionSecretAnnotations;
  const { driver, deletionPolicy, source, volumeSnapshotRef, volumeSnapshotClassName } = spec;
  return {
    metadata: trimMetadata(metadata, [name, namespace]),
    spec: { driver, deletionPolicy, source, volumeSnapshotRef, ...defined({ volumeSnapshotClassName }) },
    ...(status ? { status: defined({ readyToUse, snapshotHandle }) } : {}),
  };
}

export function trimClass({ metadata, driver, deletionPolicy, parameters }: VolumeSnapshotClass): VolumeSnapshotClass {
  const { name, namespace } = snapshotterSecret;
  return {
    metadata: trimMetadata(metadata, [defaultClassAnnotation]),
    driver,
    deletionPolicy,
    parameters: pick(parameters ?? {}, [name, namespace]),
  };
}

/** Certificates are for clients; they are the bulk of the object. */
export function trimService({ metadata, spec }: SnapshotMetadataService): SnapshotMetadataService {
  return { metadata: trimMetadata(metadata), spec: { address: spec.address, audience: spec.audience, caCert: "" } };
}

function trimMetadata(metadata: ObjectMeta, annotations: readonly string[] = []): ObjectMeta {
  const { name, namespace, uid, resourceVersion } = metadata;
  const kept = pick(metadata.annotations ?? {}, annotations);
  return defined({ name, namespace, uid, resourceVersion, annotations: kept });
}

function pick(values: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key)));
}

/** The same without the fields that are undefined, so that absent stays absent. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never;
}
