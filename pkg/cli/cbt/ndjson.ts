import type { BlockRange, MetadataRecord, MetadataStream } from "../../snapshotmetadata/client/index.ts";

/**
 * One JSON object per record and line, with every field in every line. Offsets and sizes are JSON integers, exact up to
 * 2^63 - 1: a reader that keeps numbers as doubles must take care beyond 2^53.
 */
export function ndjsonRecord({ number, type, volumeCapacityBytes, ranges }: MetadataRecord): string {
  return (
    `{"record":${number},"block_metadata_type":"${type}","volume_capacity_bytes":${volumeCapacityBytes},` +
    `"block_metadata":[${ranges.map(tuple).join(",")}]}\n`
  );
}

/** The last line, which only a complete list has: what the ranges are, and the handle to ask with next time. */
export function ndjsonEnd({ target, progress, tier, steps }: MetadataStream): string {
  const { driverName, snapshotHandle, baseHandle, retainBase } = target;
  const words = Object.entries({
    tier,
    fallbacks: steps.map(({ tier: from, failure }) => ({
      tier: from,
      reason: failure.reason,
      message: failure.message,
    })),
    driver_name: driverName,
    snapshot_handle: snapshotHandle,
    base_snapshot_handle: baseHandle,
    require_base_snapshot_for_delta: retainBase,
  }).map(([name, value]) => `"${name}":${JSON.stringify(value ?? null)}`);
  const { messages, ranges, rangeBytes, resumes } = progress;
  const counts = `"records":${messages},"ranges":${ranges},"range_bytes":${rangeBytes},"resumes":${resumes}`;
  return `{"complete":true,${counts},${words.join(",")}}\n`;
}

function tuple({ byteOffset, sizeBytes }: BlockRange): string {
  return `{"byte_offset":${byteOffset},"size_bytes":${sizeBytes}}`;
}
