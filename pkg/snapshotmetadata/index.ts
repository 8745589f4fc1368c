export { serviceAnnouncement } from "./announcement/index.ts";
export * from "./client/index.ts";
export { metadataServer, renderCodesPage } from "./server/index.ts";
