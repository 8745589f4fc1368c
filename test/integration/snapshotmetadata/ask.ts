import { afterAll, beforeAll } from "vitest";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { type Ground, openGround, openRig, type Rig, type RigOptions, untilReady } from "./rig.ts";

/** The cluster of one test file, opened before its first test. */
export function useGround() {
  let opened: Ground | undefined;
  beforeAll(async () => {
    opened = await openGround();
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
  });
  const ground = (): Ground => {
    if (opened === undefined) throw new Error("the ground is there only while tests run");
    return opened;
  };
  return {
    ground,
    /** Opens a rig, waits for its driver, hands it to the test. */
    withRig: async (options: RigOptions, test: (rig: Rig) => Promise<void>): Promise<void> => {
      await using rig = await openRig(ground(), options);
      await untilReady(rig);
      await test(rig);
    },
  };
}

/** The cluster of one test file, where every request of the servers under test is seen and may be given a fault. */
export function useSeenGround() {
  const direct = useGround();
  let opened: FaultProxy | undefined;
  beforeAll(async () => {
    opened = await FaultProxy.start(direct.ground().kubeconfigText);
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
  });
  const proxy = (): FaultProxy => {
    if (opened === undefined) throw new Error("the proxy is there only while tests run");
    return opened;
  };
  return { proxy, ground: (): Ground => ({ ...direct.ground(), kubeconfigText: proxy().kubeconfig() }) };
}

/** Asks for the allocated blocks of snapshot "snap" with a good token and these changes. */
export async function ask(rig: Rig, changes: Record<string, unknown> = {}) {
  return await rig.caller.allocated({
    securityToken: await rig.token(),
    namespace: rig.namespace,
    snapshotName: "snap",
    ...changes,
  });
}

/** The same for what changed since the snapshot of handle "base-1". */
export async function askSince(rig: Rig, changes: Record<string, unknown> = {}) {
  const { snapshotName: targetSnapshotName = "snap", ...rest } = changes as { snapshotName?: string };
  return await rig.caller.delta({
    securityToken: await rig.token(),
    namespace: rig.namespace,
    baseSnapshotId: "base-1",
    targetSnapshotName,
    ...rest,
  });
}
