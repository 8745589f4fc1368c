export * from "./client/index.ts";
export { metadataServer, renderCodesPage } from "./server/index.ts";
