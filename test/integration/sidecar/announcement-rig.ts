import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Event } from "../../../pkg/apis/core/index.ts";
import { type Authority, createAuthority, type KeyPair } from "../../../pkg/runtime/certificates/index.ts";
import { metadataServer, serviceAnnouncement } from "../../../pkg/snapshotmetadata/index.ts";
import { type CallResult, metadataCaller } from "../../support/metadata-call.ts";
import { MountedSecret } from "../../support/mounted-secret.ts";
import type { Ground } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type PlaceOptions, type Sidecar } from "./place.ts";

/** An authority with a certificate of its own for the server. */
export interface Issuer extends Authority, KeyPair {
  readonly certificate: X509Certificate;
}

/** Makes an authority that vouches for a server at this host. */
export async function issuer(place: Place, name: string, host = "localhost"): Promise<Issuer> {
  const authority = await createAuthority({ name: `CN=${name}` });
  const pair = await authority.issue({ subject: "CN=server", hosts: [host] });
  place.canaries.hideKey(`the server's key by ${name}`, pair.keyPem);
  return { ...authority, ...pair, certificate: new X509Certificate(authority.caPem) };
}

/** A place whose sidecar may keep the SnapshotMetadataService object, and two mounted Secrets: authority and pair. */
export interface AnnouncedPlace {
  readonly place: Place;
  readonly authorities: MountedSecret;
  readonly pair: MountedSecret;
  /** Starts the sidecar with the flags that switch the component on, and these. */
  start(...flags: string[]): Promise<Sidecar>;
  service(): Promise<SnapshotMetadataService>;
  /** Subjects of the certificates in `caCert`. */
  published(): Promise<string[]>;
  /** One call by somebody who knows nothing but the object. */
  call(sidecar: Sidecar): Promise<CallResult>;
  /** Reasons of the events about the object. */
  events(): Promise<string[]>;
}

export const allRights = [...metadataServer.rbac, ...serviceAnnouncement.rbac];

/** Opens a place, with the pair and authority of `first` mounted and no SnapshotMetadataService object. */
export async function openAnnounced(
  ground: Ground,
  options: PlaceOptions = {},
): Promise<AnnouncedPlace & AsyncDisposable> {
  const place = await openPlace(ground, { rules: allRights, announced: false, ...options });
  const authorities = new MountedSecret(join(place.folder, "authorities"));
  const pair = new MountedSecret(join(place.folder, "pair"));
  const ref = { name: place.driverName };
  await putSnapshot(place);
  const service = () => place.admin.get(SnapshotMetadataService, ref);
  return {
    place,
    authorities,
    pair,
    service,
    start: (...flags) =>
      place.start([
        `--service-ca-file=${authorities.path("ca.crt")}`,
        `--tls-cert=${pair.path("tls.crt")}`,
        `--tls-key=${pair.path("tls.key")}`,
        "--service-address=localhost:6443",
        "--service-audience=kept.test",
        "--service-create",
        ...flags,
      ]),
    published: async () => subjectsOf((await service()).spec.caCert),
    call: async (sidecar) => {
      const { spec } = await service();
      const caPem = Buffer.from(spec.caCert, "base64").toString("utf8");
      using caller = metadataCaller(sidecar.port, caPem, spec.address.split(":")[0]);
      const securityToken = await place.token({ audience: spec.audience });
      return await caller.allocated({ securityToken, namespace: place.namespace, snapshotName: "snap" });
    },
    events: async () => {
      const { items } = await place.admin.list(Event, {
        namespace: "default",
        fieldSelector: `involvedObject.name=${place.driverName}`,
      });
      return items.map(({ reason = "" }) => reason).toSorted();
    },
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

function subjectsOf(caCert: string): string[] {
  const pem = Buffer.from(caCert, "base64").toString("utf8");
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((each) => new X509Certificate(each).subject);
}
