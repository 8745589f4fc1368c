import { parseSocketAddress } from "../../csi/index.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import {
  boolean,
  choice,
  defineOptions,
  duration,
  integer,
  number,
  type OptionsOf,
  text,
} from "../../runtime/options/index.ts";
import { parseListenAddress } from "../../serving/address/index.ts";
import { tlsParameterOptions } from "../../serving/tls/index.ts";
import { callLimitOptions, negativeLimits } from "./admission/limit-options.ts";

/** The original's path of its health check; the others are those of every program here. */
export const originalHealthPath = "/health";

const healthPaths: readonly string[] = [originalHealthPath, "/healthz", "/readyz"];

/** Flags of external-snapshot-metadata 1.1.0, and of its main branch for TLS; then ours. */
export const metadataServerOptions = defineOptions({
  csiAddress: text("csi-address", "/run/csi/socket", "Socket of the CSI driver: an absolute path, or unix:///path"),
  timeout: duration("timeout", "1m", "Deadline of each call to the driver that is not a stream"),
  port: integer("port", 50051, "Port of the SnapshotMetadata service, on all interfaces; always TLS"),
  tlsCert: text("tls-cert", "", "File with the server's certificate chain, PEM", { env: "TLS_CERT_PATH" }),
  tlsKey: text("tls-key", "", "File with the certificate's private key, PEM", { env: "TLS_KEY_PATH" }),
  ...tlsParameterOptions,
  audience: text("audience", "", "Audience of the callers' tokens, instead of the SnapshotMetadataService object's"),
  maxStreamingDurationMin: integer("max-streaming-duration-min", 10, "Longest duration of a call, in minutes"),
  kubeconfig: text("kubeconfig", "", "Kubeconfig file; empty: the service account of the pod"),
  kubeApiQps: number("kube-api-qps", 0, "Requests per second to the API server; 0: no limit here"),
  kubeApiBurst: integer("kube-api-burst", 0, "Requests above --kube-api-qps for a short while"),
  httpEndpoint: text("http-endpoint", ":8080", "Address for health checks and metrics, plain HTTP"),
  metricsPath: text("metrics-path", "/metrics", "Path of the metrics page"),
  disableMetrics: boolean("disable-metrics", false, "Serve no metrics page; health stays"),
  metricsSnapshotLabels: boolean(
    "metrics-snapshot-labels",
    false,
    "Fill the metric labels target_snapshot and base_snapshot: one series for each snapshot asked for",
  ),
  tokenCacheTtl: duration(
    "token-cache-ttl",
    "10s",
    "How long a valid token is believed without another token review; 0: not at all. A revoked token is refused then",
  ),
  streamValidation: choice(
    "stream-validation",
    "strict",
    ["strict", "warn", "off"],
    "What a message of the driver that breaks the rules of its stream does: end the stream, be logged and counted, or pass",
  ),
  ...callLimitOptions,
  compatCodes: boolean("compat-codes", false, "Answer with the original's gRPC codes where ours differ"),
  drainTimeout: duration("drain-timeout", "20s", "How long running streams may go on after a request to stop"),
}).check((options, problem) => {
  const readable = (flag: string, read: () => unknown): void => {
    try {
      read();
    } catch (thrown) {
      problem(flag, messageOf(thrown));
    }
  };
  readable("csi-address", () => parseSocketAddress(options.csiAddress));
  if (options.httpEndpoint !== "") readable("http-endpoint", () => parseListenAddress(options.httpEndpoint));
  if (options.timeout <= 0) problem("timeout", "must be above 0");
  if (options.drainTimeout < 0) problem("drain-timeout", "must not be negative (0: streams are ended at once)");
  if (!options.metricsPath.startsWith("/")) problem("metrics-path", 'must begin with "/"');
  if (healthPaths.includes(options.metricsPath)) problem("metrics-path", "is the path of a health check");
  if (options.port < 0 || options.port > 65_535) problem("port", "must be between 0 and 65535 (0: any free port)");
  for (const flag of negativeLimits(options)) problem(flag, "must not be negative (0: no limit)");
  if (options.tokenCacheTtl < 0) problem("token-cache-ttl", "must not be negative (0: no cache)");
  if (options.tlsCert === "") problem("tls-cert", "is required, or TLS_CERT_PATH in the environment");
  if (options.tlsKey === "") problem("tls-key", "is required, or TLS_KEY_PATH in the environment");
});

export type MetadataServerOptions = OptionsOf<typeof metadataServerOptions>;
