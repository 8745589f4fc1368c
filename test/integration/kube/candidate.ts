/** A process that wants to lead: `node candidate.ts <kubeconfig> <namespace> <lease> <identity>`. Tests kill it. */
import { createKubeClient, loadKubeConfig } from "../../../pkg/kube/client/index.ts";
import { createElection } from "../../../pkg/kube/election/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { aborted } from "../../../pkg/runtime/timing/index.ts";

const [kubeconfig = "", namespace = "", name = "", identity = ""] = process.argv.slice(2);
const log = silentLogger();
const client = createKubeClient({ config: loadKubeConfig({ kubeconfig }), userAgent: "candidate", log });
const times = { leaseDurationMs: 2000, renewDeadlineMs: 1500, retryPeriodMs: 200 };
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
// Only waiting for a signal would let node end.
const alive = setInterval(() => undefined, 1 << 30);
await createElection({ client, name, namespace, identity, log, ...times }).run(stop.signal, async (signal) => {
  process.stdout.write("leads\n");
  await aborted(signal);
});
clearInterval(alive);
await client.close();
