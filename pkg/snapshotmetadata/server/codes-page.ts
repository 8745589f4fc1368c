import { status } from "@grpc/grpc-js";
import { type RefusalRow, refusals } from "./refusals.ts";

/** The reference page of gRPC codes, as Markdown: what leads to which code here, and in the original. */
export function renderCodesPage(): string {
  const rows: readonly RefusalRow[] = Object.values(refusals);
  return [
    "# gRPC codes",
    "",
    "Generated from the code; do not edit.",
    "",
    "## SnapshotMetadata: GetMetadataAllocated, GetMetadataDelta",
    "",
    "In the order of the checks. `--compat-codes` answers with the codes of external-snapshot-metadata 1.1.0. Once the",
    "driver has been asked, its own code and message are passed on; UNKNOWN, and what is no gRPC code, become INTERNAL.",
    "",
    "| When | Code | Original |",
    "|---|---|---|",
    ...rows.map(({ when, code, original, originalPasses }) => {
      const theirs = originalPasses ? `not checked (${status[original]} with --compat-codes)` : status[original];
      return `| ${when} | ${status[code]} | ${theirs} |`;
    }),
    "",
  ].join("\n");
}
