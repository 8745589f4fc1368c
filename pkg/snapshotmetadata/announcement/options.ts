import { isServiceAddress } from "../../apis/cbt/index.ts";
import { boolean, defineOptions, duration, type OptionsOf, text } from "../../runtime/options/index.ts";
import { metadataServerOptions } from "../server/index.ts";

const { csiAddress, timeout, tlsCert, audience, kubeconfig, kubeApiQps, kubeApiBurst } = metadataServerOptions.specs;

/** What is kept in the SnapshotMetadataService object: each field whose flag is given, and no other. */
export const announcementOptions = defineOptions({
  csiAddress,
  timeout,
  tlsCert,
  audience,
  kubeconfig,
  kubeApiQps,
  kubeApiBurst,
  serviceCaFile: text(
    "service-ca-file",
    "",
    "File with the certificates of the authority behind --tls-cert, PEM; caCert of the driver's " +
      "SnapshotMetadataService object is kept at its content. Empty: caCert is left alone",
  ),
  serviceAddress: text(
    "service-address",
    "",
    "host:port at which clients reach this server; address of the driver's SnapshotMetadataService object is kept " +
      "at it. Empty: address is left alone",
  ),
  serviceAudience: text(
    "service-audience",
    "",
    "Audience of clients' tokens; audience of the driver's SnapshotMetadataService object is kept at it. Empty: " +
      "audience is left alone",
  ),
  serviceCreate: boolean(
    "service-create",
    false,
    "Create the driver's SnapshotMetadataService object when it is missing; needs the other three --service flags",
  ),
  serviceCaOverlap: duration(
    "service-ca-overlap",
    "1h",
    "How long a certificate that has left --service-ca-file stays in caCert, unless it expires before",
  ),
}).check((options, problem) => {
  const { serviceCaFile, serviceAddress, serviceAudience, serviceCreate, audience: expected } = options;
  if (serviceAddress !== "" && !isServiceAddress(serviceAddress)) {
    problem("service-address", `is "${serviceAddress}" (expected host:port without a scheme, IPv6 in brackets)`);
  }
  if (serviceAudience !== "" && expected !== "" && serviceAudience !== expected) {
    const effect = "clients would be told one audience and refused for another";
    problem("service-audience", `is "${serviceAudience}" and --audience is "${expected}": ${effect}`);
  }
  if (serviceCreate && (serviceCaFile === "" || serviceAddress === "" || serviceAudience === "")) {
    problem("service-create", "needs --service-ca-file, --service-address and --service-audience");
  }
  if (options.serviceCaOverlap < 0) problem("service-ca-overlap", "must not be negative");
});

export type AnnouncementOptions = OptionsOf<typeof announcementOptions>;

/** Whether any flag asks for something to be kept. */
export function isOn({ serviceCaFile, serviceAddress, serviceAudience }: AnnouncementOptions): boolean {
  return serviceCaFile !== "" || serviceAddress !== "" || serviceAudience !== "";
}
