import { SnapshotMetadataService } from "../../apis/cbt/index.ts";
import { connectDriver } from "../../csi/index.ts";
import { clientMetrics, shareKubeClient } from "../../kube/client/index.ts";
import { controllerMetrics, createController, fromInformer } from "../../kube/controller/index.ts";
import { createRecorder, eventMetrics } from "../../kube/events/index.ts";
import { cacheMetrics, createInformer, createReader } from "../../kube/informer/index.ts";
import { toFailure } from "../../runtime/errors/index.ts";
import type { Component, Env, PolicyRule } from "../../runtime/lifecycle/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { announcer } from "./announcer.ts";
import { fileSource } from "./file-source.ts";
import { announcementFamilies, announcementMeter } from "./metrics.ts";
import { type AnnouncementOptions, announcementOptions, isOn } from "./options.ts";

/** Only where the component is switched on. Without `create`, --service-create is refused by the API server. */
const rules: readonly PolicyRule[] = [
  {
    apiGroups: ["cbt.storage.k8s.io"],
    resources: ["snapshotmetadataservices"],
    verbs: ["get", "list", "watch", "create", "patch"],
  },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
];

/** Keeps the driver's SnapshotMetadataService object right: who vouches for the server, and where it is. */
export const serviceAnnouncement: Component<AnnouncementOptions> = {
  name: "announcement",
  summary: "Keeps caCert, address and audience of the driver's SnapshotMetadataService object; off unless flags say so",
  options: announcementOptions,
  rbac: rules,
  optional: true,
  metrics: [...announcementFamilies, ...clientMetrics, ...cacheMetrics, ...controllerMetrics, ...eventMetrics],
  build: async (options, env) => ({
    run: async (signal) => (isOn(options) ? await run(options, env, signal) : undefined),
  }),
};

const drainMs = 5_000;
/** A refusal that does not pass by itself is tried again this often at least. */
const maxDelayMs = 60_000;

async function run(options: AnnouncementOptions, env: Env, signal: AbortSignal): Promise<void> {
  const { clock, metrics, program } = env;
  const name = await driverName(options, env, signal);
  if (name === undefined) return;
  const log = env.log.child({ service: name });
  const client = await shareKubeClient(env, options);
  const selection = { fieldSelector: `metadata.name=${name}` };
  const informer = createInformer({ client, kind: SnapshotMetadataService, ...selection, log, metrics, clock });
  const recorder = createRecorder({ client, component: `${program} ${name}`, log, metrics, clock });
  const controller = createController({
    name: "announcement",
    sources: [fromInformer(informer), fileSource(name, options, clock)],
    reconcile: announcer({
      options,
      client,
      services: createReader({ client, informer, selection }),
      watching: () => informer.hasSynced(),
      recorder,
      meter: announcementMeter(metrics, clock),
      clock,
      log,
    }),
    workers: 1,
    maxDelayMs,
    drainMs,
    log,
    metrics,
    clock,
  });
  try {
    await controller.run(signal);
  } finally {
    await recorder.close(drainMs);
  }
}

/** Milliseconds between two attempts to ask the driver who it is. */
const retryMs = 1_000;

/**
 * The driver's name is the object's. Asked over a connection of its own, so that the component can run without the
 * server; the server tells of a driver that is away, and ends the program when it is another one.
 */
async function driverName(
  { csiAddress, timeout }: AnnouncementOptions,
  { clock, log }: Env,
  signal: AbortSignal,
): Promise<string | undefined> {
  await using connection = connectDriver({ address: csiAddress, timeoutMs: timeout, log: silentLogger(), clock });
  while (!signal.aborted) {
    try {
      return (await connection.pluginInfo({ signal, waitForReady: true })).name;
    } catch (thrown) {
      if (signal.aborted) break;
      const failure = toFailure(thrown);
      log.debug({ err: failure }, "the driver has not told its name; trying again");
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
  return undefined;
}
