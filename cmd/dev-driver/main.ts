import manifest from "../../package.json" with { type: "json" };
import { devDriver } from "../../pkg/dev/driver/index.ts";
import { runProcess } from "../../pkg/runtime/lifecycle/index.ts";

process.exitCode = await runProcess(process, {
  name: "dev-driver",
  version: `v${manifest.version}`,
  summary: "A CSI driver over sparse files, for development and tests only. Faults: <statedir>/faults.json.",
  components: [devDriver(process.stdout)],
});
