import manifest from "../../package.json" with { type: "json" };
import { secretFieldNames } from "../../pkg/csi/index.ts";
import { runProcess } from "../../pkg/runtime/lifecycle/index.ts";
import { metadataServer, serviceAnnouncement } from "../../pkg/snapshotmetadata/index.ts";

process.exitCode = await runProcess(process, {
  name: "csi-snapshot-metadata",
  version: `v${manifest.version}`,
  summary:
    "Serves the Kubernetes SnapshotMetadata API beside a CSI driver: which blocks of a snapshot hold data or changed.",
  components: [metadataServer, serviceAnnouncement],
  secretFields: secretFieldNames,
});
