import { bytes, defineCrd, flag, type ObjectOf, object, optional, type Rule, text } from "../schema/index.ts";

/** A name, an IPv4 address or an IPv6 address in brackets; then a port from 1 to 65535. */
const hostAndPort =
  "^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\\[[0-9A-Fa-f:.]+\\]):" +
  "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$";

/** A DNS name of 253 characters and its closing dot, a colon and a port. The limit also bounds the rule's cost. */
const longestAddress = 260;

/** Whether the API takes this text for `spec.address`. */
export const isServiceAddress = (text: string): boolean =>
  text.length <= longestAddress && new RegExp(hostAndPort).test(text);

/** Ours: the original takes any text here, and its clients fail only when they dial. */
const addressForm: Rule = {
  rule: `self.matches('${hostAndPort.replaceAll("\\", "\\\\")}')`,
  message: "address must be host:port without a scheme, such as csi-snapshot-metadata.my-driver.svc:6443",
  holds: (self) => isServiceAddress(String(self)),
};

/**
 * Tells clients where a driver's metadata service is, whom to trust and which token audience to ask for.
 * The object's name is the name of the CSI driver.
 */
export const SnapshotMetadataService = defineCrd({
  group: "cbt.storage.k8s.io",
  kind: "SnapshotMetadataService",
  plural: "snapshotmetadataservices",
  shortNames: ["sms"],
  scope: "Cluster",
  version: "v1beta1",
  annotations: {
    "api-approved.kubernetes.io": "https://github.com/kubernetes-csi/external-snapshot-metadata/pull/2",
  },
  versions: {
    v1beta1: {
      served: true,
      storage: true,
      schema: object("Announces the SnapshotMetadata gRPC service of the CSI driver that the object is named after.", {
        spec: object("How to reach the service.", {
          address: text("Where the service listens, as host:port without a scheme.", {
            maxLength: longestAddress,
            rules: [addressForm],
          }),
          audience: text("The audience that a client's ServiceAccount token must be made for.", { minLength: 1 }),
          caCert: bytes("The certificates that vouch for the service: a PEM bundle in base64."),
          requireBaseSnapshotForDelta: optional(
            flag(
              "Whether the base snapshot must still exist when changes since it are asked for. " +
                "True: keep it. False: it may be deleted, its handle is enough. Absent: the driver does not say.",
            ),
          ),
        }),
      }),
    },
  },
});
export type SnapshotMetadataService = ObjectOf<typeof SnapshotMetadataService>;
