import type { MetadataOptions } from "./options.ts";
import type { MetadataStream } from "./stream.ts";

/** Finds the metadata service of a snapshot and gets ready to iterate. Throws MetadataFailure. */
export function openMetadata(options: MetadataOptions): Promise<MetadataStream> {
  return Promise.reject(new Error(`not yet: ${options.snapshotName}`));
}
