export { isServiceAddress, SnapshotMetadataService } from "./snapshot-metadata-service.ts";
