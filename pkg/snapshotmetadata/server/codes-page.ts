import { status } from "@grpc/grpc-js";
import { type RefusalRow, refusals } from "./refusals.ts";

/** Endings that no check of ours decides: when, our code, the original's. */
const beyondChecks = [
  [
    "the request is above 64 KiB (the original: 4 MiB), as its five-byte prefix says: nothing of it is decoded",
    status[status.RESOURCE_EXHAUSTED],
    status[status.RESOURCE_EXHAUSTED],
  ],
  [
    "the connection to the driver is lost in the middle of a stream; all messages that came before were passed on",
    status[status.UNAVAILABLE],
    "none: the process exits, and the caller's connection breaks",
  ],
] as const;

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
    "In the order of the checks; the last three may come at any step. `--compat-codes` answers with the codes of",
    "external-snapshot-metadata 1.1.0. Once the driver has been asked, its own code and message are passed on; UNKNOWN, and",
    "what is no gRPC code, become INTERNAL.",
    "",
    "| When | Code | Original |",
    "|---|---|---|",
    ...rows.map(({ when, code, original, originalPasses }) => {
      const theirs = originalPasses ? `not checked (${status[original]} with --compat-codes)` : status[original];
      return `| ${when} | ${status[code]} | ${theirs} |`;
    }),
    "",
    "These come from the layers below, with the same code in both modes:",
    "",
    "| When | Code | Original |",
    "|---|---|---|",
    ...beyondChecks.map((row) => `| ${row.join(" | ")} |`),
    "",
  ].join("\n");
}
