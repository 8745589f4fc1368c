export * from "./client/index.ts";
export { metadataServer } from "./server/index.ts";
