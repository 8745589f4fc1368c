export { SnapshotMetadataService } from "./snapshot-metadata-service.ts";
