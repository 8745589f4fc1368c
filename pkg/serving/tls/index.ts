export { type FollowRules, followFiles } from "./follow-files.ts";
export { type KeyPair, type KeyPairFiles, loadKeyPair } from "./key-pair.ts";
export {
  type ReloadingTls,
  type ReloadingTlsOptions,
  reloadingTls,
  type TlsServer,
  tlsMetrics,
} from "./reloading-tls.ts";
export { type TlsParameters, tlsParameterOptions, tlsParameters } from "./tls-parameters.ts";
