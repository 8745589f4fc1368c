export { MetadataFailure, type MetadataReason, metadataReasons, type StreamRule } from "./failure.ts";
export type { FallbackPolicy, TierStep } from "./ladder.ts";
export { largestOffset, openMetadata } from "./open.ts";
export type { MetadataApi, MetadataOptions, ResumeNotice, ResumePolicy, TokenSource } from "./options.ts";
export {
  type BlockMetadataTypeName,
  type BlockRange,
  endOf,
  type MetadataRecord,
  type MetadataTier,
} from "./record.ts";
export type { MetadataProgress, MetadataStream } from "./stream.ts";
export type { MetadataServiceAddress, MetadataTarget } from "./target.ts";
export { requestedToken, tokenFromFile } from "./token.ts";
