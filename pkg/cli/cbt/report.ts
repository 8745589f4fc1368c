import type { MetadataTarget } from "../../snapshotmetadata/client/index.ts";
import type { RebuildReport } from "../../snapshotmetadata/rebuild/index.ts";

/** The report as one JSON object on one line; sizes in bytes, times in milliseconds. */
export function jsonReport(report: RebuildReport, { snapshotHandle, baseHandle, driverName }: MetadataTarget): string {
  return `${JSON.stringify({ ...report, snapshotHandle, baseHandle, driverName })}\n`;
}

/** The report for a person. */
export function textReport(report: RebuildReport, { snapshotHandle, baseHandle }: MetadataTarget): string {
  const { volumeCapacityBytes, sourceBytesRead, rangeBytes, ranges, applyMs, baseMs, verifyMs } = report;
  const share = volumeCapacityBytes === 0 ? 0 : (100 * sourceBytesRead) / volumeCapacityBytes;
  const rows: readonly (readonly [string, string])[] = [
    ["Target", `${report.targetPath}, ${volumeCapacityBytes} bytes`],
    ["Ranges", `${ranges}, ${rangeBytes} bytes${baseHandle ? ` changed since ${baseHandle}` : ""}`],
    ["Read from the source", `${sourceBytesRead} bytes, ${share.toFixed(2)} % of the volume`],
    ["Metadata", `${report.messages} messages, ${report.wireBytes} bytes, taken up ${report.resumes} times`],
    ["Time", `${seconds(baseMs)} s base, ${seconds(applyMs)} s ranges, ${seconds(verifyMs)} s verification`],
    ["Verified", verified(report)],
    ["Snapshot handle", `${snapshotHandle ?? "unknown"} (keep it: --previous-snapshot-id of the next rebuild)`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(21)} ${value}\n`).join("");
}

function verified({ verification, verifiedBytes }: RebuildReport): string {
  return verification === "none" ? "no (--verify=none)" : `all ${verifiedBytes} bytes equal the source`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
