import { SnapshotMetadataService } from "../../apis/cbt/index.ts";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotContent } from "../../apis/snapshot/index.ts";
import { isForbidden, isNotFound } from "../../kube/client/index.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import { cancelled, MetadataFailure, type MetadataReason } from "./failure.ts";
import type { MetadataOptions } from "./options.ts";

/** Everything needed to ask for one snapshot's metadata, resolved from the API. */
export interface MetadataTarget {
  readonly namespace: string;
  readonly snapshotName: string;
  readonly driverName: string;
  /** CSI handle of the snapshot: the `previousSnapshotId` of the next backup. Absent when `driverName` was given. */
  readonly snapshotHandle?: string;
  /** When the snapshot was cut, in ISO 8601. Absent when nobody says, or when `driverName` was given. */
  readonly createdAt?: string;
  /** Bytes that a volume restored from the snapshot needs, as the driver told. Absent as `createdAt`. */
  readonly restoreSizeBytes?: bigint;
  /** CSI handle of the earlier snapshot; absent when none was named, or none can be had. */
  readonly baseHandle?: string;
  /**
   * What the driver says of the base of a later delta: true: keep its snapshot; false: its handle is enough, the
   * snapshot may be deleted; absent: it does not say (requireBaseSnapshotForDelta).
   */
  readonly retainBase?: boolean;
  /** Absent when there is none, and the whole volume is named without asking. */
  readonly service?: MetadataServiceAddress;
}

/** Where a driver's metadata service is, and whom to trust there. */
export interface MetadataServiceAddress {
  /** host:port that will be dialled. */
  readonly address: string;
  readonly audience: string;
  /** PEM bundle, the only one trusted. */
  readonly caPem: string;
}

/**
 * snapshot → bound content → driver → SnapshotMetadataService. What can not be had is told to `descend`, which throws
 * unless a lower tier may do without it. Throws MetadataFailure.
 */
export async function resolveTarget(
  options: MetadataOptions,
  descend: (failure: MetadataFailure) => void,
): Promise<MetadataTarget> {
  const { namespace, snapshotName } = options;
  const bound = options.driverName ? undefined : await bindingOf(options, snapshotName);
  const driverName = options.driverName || bound?.content.spec.driver || "";
  const missed = (thrown: unknown): undefined => {
    if (!(thrown instanceof MetadataFailure)) throw thrown;
    descend(thrown);
  };
  const baseHandle = await baseHandleOf(options).catch(missed);
  const found = await serviceOf(options, driverName).catch(missed);
  return {
    namespace,
    snapshotName,
    driverName,
    ...(bound ? factsOf(bound) : {}),
    ...(baseHandle ? { baseHandle } : {}),
    ...found,
  };
}

type Facts = Pick<MetadataTarget, "snapshotHandle" | "createdAt" | "restoreSizeBytes">;

/** What the API tells of a snapshot beside its driver. */
function factsOf({ snapshot, content }: Binding): Facts {
  const { snapshotHandle, restoreSize, creationTime: nanoseconds } = content.status ?? {};
  const createdAt =
    snapshot.status?.creationTime ??
    (nanoseconds === undefined ? undefined : new Date(Number(nanoseconds / 1_000_000n)).toISOString());
  return {
    ...(snapshotHandle ? { snapshotHandle } : {}),
    ...(createdAt ? { createdAt } : {}),
    ...(restoreSize ? { restoreSizeBytes: restoreSize } : {}),
  };
}

/** The earlier snapshot's CSI handle; a given handle wins over a name. */
async function baseHandleOf(options: MetadataOptions): Promise<string | undefined> {
  const { previousSnapshotName: name, namespace } = options;
  if (options.previousSnapshotId) return options.previousSnapshotId;
  if (!name) return undefined;
  const { content } = await bindingOf(options, name).catch((thrown: unknown) => {
    throw baseIsGone(thrown) ? unavailableBase(`${namespace}/${name}`, thrown) : thrown;
  });
  const handle = content.status?.snapshotHandle;
  if (handle) return handle;
  throw new MetadataFailure(
    "waiting",
    "BaseUnavailable",
    `VolumeSnapshotContent ${content.metadata.name} has no status.snapshotHandle yet, so a delta from VolumeSnapshot ` +
      `${namespace}/${name} can not be asked for`,
    { recheckMs },
  );
}

const goneReasons: readonly MetadataReason[] = [
  "SnapshotNotFound",
  "SnapshotNotReady",
  "ContentNotFound",
  "ContentMismatch",
];

function baseIsGone(thrown: unknown): thrown is MetadataFailure {
  return thrown instanceof MetadataFailure && goneReasons.includes(thrown.reason);
}

function unavailableBase(shown: string, failure: MetadataFailure): MetadataFailure {
  const message = `no delta from VolumeSnapshot ${shown} can be asked for: ${failure.message}`;
  const { kind, recheckMs: later } = failure;
  return new MetadataFailure(kind, "BaseUnavailable", message, {
    cause: failure,
    ...(later === undefined ? {} : { recheckMs: later }),
  });
}

interface Binding {
  readonly snapshot: VolumeSnapshot;
  readonly content: VolumeSnapshotContent;
}

/** A snapshot and the content bound to it, provided that it points back at that very snapshot. */
async function bindingOf(asking: Asking & { readonly namespace: string }, name: string): Promise<Binding> {
  const { namespace } = asking;
  const snapshot = await read(asking, VolumeSnapshot, { namespace, name }, "SnapshotNotFound");
  const shown = `VolumeSnapshot ${namespace}/${name}`;
  const bound = snapshot.status?.boundVolumeSnapshotContentName;
  if (!bound) {
    const message = `${shown} is not bound to a VolumeSnapshotContent yet (status.boundVolumeSnapshotContentName is empty)`;
    throw new MetadataFailure("waiting", "SnapshotNotReady", message, { recheckMs });
  }
  if (snapshot.status?.readyToUse === false) {
    const message = `${shown} is not ready (status.readyToUse is false)`;
    throw new MetadataFailure("waiting", "SnapshotNotReady", message, { recheckMs });
  }
  const content = await read(asking, VolumeSnapshotContent, { name: bound }, "ContentNotFound");
  const ref = content.spec.volumeSnapshotRef;
  const same = ref.uid ? ref.uid === snapshot.metadata.uid : ref.namespace === namespace && ref.name === name;
  if (same) return { snapshot, content };
  throw new MetadataFailure(
    "terminal",
    "ContentMismatch",
    `VolumeSnapshotContent ${bound} belongs to VolumeSnapshot ${ref.namespace}/${ref.name} (uid ${ref.uid || "unset"}), ` +
      `not to ${shown} (uid ${snapshot.metadata.uid})`,
  );
}

type Service = Pick<MetadataTarget, "service" | "retainBase">;

async function serviceOf(asking: MetadataOptions, driverName: string): Promise<Service> {
  const { spec } = await read(asking, SnapshotMetadataService, { name: driverName }, "ServiceNotFound");
  const invalid = (field: string, expected: string): MetadataFailure =>
    new MetadataFailure(
      "terminal",
      "ServiceInvalid",
      `SnapshotMetadataService ${driverName}: spec.${field} must be ${expected}; ask the administrator of the driver`,
    );
  if (!spec.audience) throw invalid("audience", "set");
  const address = asking.address || spec.address;
  if (!/^[^\s/]+:\d+$/.test(address)) throw invalid("address", "host:port");
  const caPem = Buffer.from(spec.caCert, "base64").toString("latin1");
  if (!caPem.includes("-----BEGIN CERTIFICATE-----")) throw invalid("caCert", "a PEM bundle in base64");
  const retainBase = spec.requireBaseSnapshotForDelta;
  return { service: { address, audience: spec.audience, caPem }, ...(retainBase === undefined ? {} : { retainBase }) };
}

const recheckMs = 1000;

const missing: Partial<Record<MetadataReason, string>> = {
  ServiceNotFound:
    "; the driver offers no changed block tracking here, or its SnapshotMetadataService is not installed",
};

type Asking = Pick<MetadataOptions, "api" | "signal">;

async function read<T extends KubeObject>(
  { api, signal }: Asking,
  kind: Kind<T>,
  ref: { readonly name: string; readonly namespace?: string },
  notFound: MetadataReason,
): Promise<T> {
  const shown = `${kind.kind} ${ref.namespace ? `${ref.namespace}/` : ""}${ref.name}`;
  try {
    return await api.get(kind, ref, { signal });
  } catch (thrown) {
    if (signal?.aborted) throw cancelled(signal);
    const cause = { cause: thrown };
    if (isNotFound(thrown)) {
      throw new MetadataFailure("terminal", notFound, `${shown} does not exist${missing[notFound] ?? ""}`, cause);
    }
    const reason = isForbidden(thrown) ? "ApiDenied" : "ApiUnavailable";
    const kindOf = isForbidden(thrown) ? "terminal" : "transient";
    throw new MetadataFailure(kindOf, reason, `${shown} can not be read: ${messageOf(thrown)}`, cause);
  }
}
