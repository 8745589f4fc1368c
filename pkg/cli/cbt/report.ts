import type { MetadataStream, MetadataTarget } from "../../snapshotmetadata/client/index.ts";
import type { RebuildReport } from "../../snapshotmetadata/rebuild/index.ts";
import { plainText } from "../screen/plain.ts";

/** What a report tells of the stream beside its counts. */
type Told = Pick<MetadataStream, "target" | "tier" | "steps">;

/** The report as one JSON object on one line; sizes in bytes, times in milliseconds. */
export function jsonReport(report: RebuildReport, { target, tier, steps }: Told): string {
  const { snapshotHandle, baseHandle, driverName, retainBase } = target;
  const fallbacks = steps.map(({ tier: from, failure: { reason, message } }) => ({ tier: from, reason, message }));
  return `${JSON.stringify({ ...report, snapshotHandle, baseHandle, driverName, retainBase, tier, fallbacks })}\n`;
}

/** The report for a person. */
export function textReport(report: RebuildReport, { target, tier, steps }: Told): string {
  const { volumeCapacityBytes, sourceBytesRead, rangeBytes, ranges, applyMs, baseMs, verifyMs } = report;
  const { snapshotHandle, baseHandle } = target;
  const share = volumeCapacityBytes === 0 ? 0 : (100 * sourceBytesRead) / volumeCapacityBytes;
  const since = tier === "delta" && baseHandle ? ` changed since ${baseHandle}` : "";
  const rows: readonly (readonly [string, string])[] = [
    ["Target", `${report.targetPath}, ${volumeCapacityBytes} bytes`],
    ["Source", sourceOf(report)],
    ["Tier", [tier, ...steps.map(({ tier: from, failure }) => `no ${from} ranges: ${failure.message}`)].join("; ")],
    ["Ranges", `${ranges}, ${rangeBytes} bytes${since}`],
    ["Read from the source", `${sourceBytesRead} bytes, ${share.toFixed(2)} % of the volume`],
    ["Metadata", `${report.messages} messages, ${report.wireBytes} bytes, taken up ${report.resumes} times`],
    ["Time", `${seconds(baseMs)} s base, ${seconds(applyMs)} s ranges, ${seconds(verifyMs)} s verification`],
    ["Verified", verified(report)],
    ["Snapshot handle", `${snapshotHandle ?? "unknown"} (keep it: --previous-snapshot-id of the next rebuild)`],
    ["Snapshot", retention(target)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(21)} ${plainText(value)}\n`).join("");
}

/** Whether the snapshot must stay so that the next delta can be had. */
function retention({ namespace, snapshotName, retainBase }: MetadataTarget): string {
  const shown = `${namespace}/${snapshotName}`;
  if (retainBase === true) return `keep ${shown}: the driver needs it as the base of the next delta`;
  if (retainBase === false) return `${shown} may be deleted: its handle is enough as the base of the next delta`;
  return `keep ${shown}: the driver does not say whether the next delta needs it`;
}

/** A source that is larger than the snapshot was judged or left alone beyond it; either must be seen. */
function sourceOf({ sourceSizeBytes, volumeCapacityBytes, verification }: RebuildReport): string {
  const beyond = sourceSizeBytes - volumeCapacityBytes;
  if (beyond === 0) return `${sourceSizeBytes} bytes`;
  const what = verification === "none" ? "were not read" : "are zero";
  return `${sourceSizeBytes} bytes, of which the ${beyond} beyond the snapshot ${what}`;
}

function verified({ verification, verifiedBytes }: RebuildReport): string {
  return verification === "none" ? "no (--verify=none)" : `all ${verifiedBytes} bytes equal the source`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
