export { MetadataFailure, type MetadataReason, metadataReasons, type StreamRule } from "./failure.ts";
export { largestOffset, openMetadata } from "./open.ts";
export type { MetadataApi, MetadataOptions, ResumeNotice, ResumePolicy, TokenSource } from "./options.ts";
export { type BlockMetadataTypeName, type BlockRange, endOf, type MetadataRecord } from "./record.ts";
export type { MetadataProgress, MetadataStream } from "./stream.ts";
export type { MetadataTarget } from "./target.ts";
export { requestedToken, tokenFromFile } from "./token.ts";
