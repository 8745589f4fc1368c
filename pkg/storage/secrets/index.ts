export {
  deletionSecretAnnotations,
  isDnsLabel,
  isDnsSubdomain,
  type SecretKeys,
  type SecretRef,
  SecretRefError,
  type SecretTokens,
  secretRefFrom,
  snapshotTokens,
  snapshotterSecret,
} from "./secret-ref.ts";
