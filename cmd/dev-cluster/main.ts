import manifest from "../../package.json" with { type: "json" };
import { devCluster } from "../../pkg/dev/kube/index.ts";
import { runProcess } from "../../pkg/runtime/lifecycle/index.ts";

process.exitCode = await runProcess(process, {
  name: "dev-cluster",
  version: `v${manifest.version}`,
  summary: "A Kubernetes API server in memory, for development and tests only.",
  components: [devCluster(process.stdout)],
});
