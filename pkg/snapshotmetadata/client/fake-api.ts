/** An API server in memory for tests of the client, and a stream opened with it. */
import { SelfSubjectReview, TokenRequest } from "../../apis/core/index.ts";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import { ApiError } from "../../kube/client/index.ts";
import type { ServerCertificate } from "../../runtime/certificates/index.ts";
import type { MetadataFailure } from "./failure.ts";
import { type Script, testService } from "./metadata-service.ts";
import { openMetadata } from "./open.ts";
import type { MetadataApi, MetadataOptions } from "./options.ts";
import type { MetadataStream } from "./stream.ts";

/** Objects by "Kind/namespace/name", tokens that count up, and what was asked for. */
export class FakeApi implements MetadataApi {
  readonly objects = new Map<string, KubeObject>();
  readonly tokenRequests: { readonly name: string; readonly spec: TokenRequest["spec"] }[] = [];
  tokenError: Error | undefined;

  put(kind: string, namespace: string, name: string, rest: object): void {
    this.objects.set(`${kind}/${namespace}/${name}`, { metadata: { name, namespace, uid: `uid-${name}` }, ...rest });
  }

  async get<T extends KubeObject>(kind: Kind<T>, ref: { name: string; namespace?: string | undefined }): Promise<T> {
    const found = this.objects.get(`${kind.kind}/${ref.namespace ?? ""}/${ref.name}`);
    if (found) return found as T;
    throw new ApiError({ status: 404, reason: "NotFound", message: "not found", method: "GET", path: "/" });
  }

  async create<T extends KubeObject>(
    kind: Kind<T>,
    object: T,
    options: { name?: string | undefined } = {},
  ): Promise<T> {
    if (kind.kind === SelfSubjectReview.kind) {
      return { ...object, status: { userInfo: { username: "system:serviceaccount:shop:backup" } } };
    }
    if (kind.kind !== TokenRequest.kind) throw new Error(`unexpected ${kind.kind}`);
    if (this.tokenError) throw this.tokenError;
    this.tokenRequests.push({ name: options.name ?? "", spec: (object as unknown as TokenRequest).spec });
    return { ...object, status: { token: `secret-${this.tokenRequests.length}`, expirationTimestamp: "" } };
  }
}

/** An API with two bound snapshots, monday and tuesday, of a driver whose metadata service is there. */
export function anApi(address: string, caPem: string): FakeApi {
  const api = new FakeApi();
  for (const day of ["monday", "tuesday"]) {
    api.put("VolumeSnapshot", "shop", day, {
      status: { boundVolumeSnapshotContentName: `content-${day}`, readyToUse: true },
    });
    api.put("VolumeSnapshotContent", "", `content-${day}`, {
      spec: { driver: "dev", volumeSnapshotRef: { namespace: "shop", name: day, uid: `uid-${day}` } },
      status: { snapshotHandle: `handle-${day}` },
    });
  }
  const caCert = Buffer.from(caPem).toString("base64");
  api.put("SnapshotMetadataService", "", "dev", { spec: { audience: "cbt", address, caCert } });
  return api;
}

/** A stream of tuesday from a scripted service. */
export async function openedOn(
  certificate: ServerCertificate,
  scripts: readonly Script[],
  { spoil, ...change }: Partial<MetadataOptions> & { readonly spoil?: (api: FakeApi) => void } = {},
) {
  const service = await testService(certificate, scripts);
  const api = anApi(service.address, certificate.caPem);
  spoil?.(api);
  const options = { api, namespace: "shop", snapshotName: "tuesday", resume: { firstPauseMs: 0 }, ...change };
  const stream = await openMetadata(options);
  const dispose = async (): Promise<void> => {
    await stream.close();
    await service[Symbol.asyncDispose]();
  };
  return { service, api, stream, [Symbol.asyncDispose]: dispose };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function rangesOf(stream: MetadataStream): Promise<[bigint, bigint][]> {
  return (await collect(stream.ranges())).map(({ byteOffset, sizeBytes }) => [byteOffset, sizeBytes]);
}

export async function failureOf(work: Promise<unknown>): Promise<MetadataFailure> {
  return await work.then(
    () => Promise.reject(new Error("it did not fail")),
    (thrown: MetadataFailure) => thrown,
  );
}
