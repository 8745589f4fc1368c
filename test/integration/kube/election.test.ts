import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Event, Lease } from "../../../pkg/apis/core/index.ts";
import { createElection, type Election, type ElectionOptions } from "../../../pkg/kube/election/index.ts";
import { createRecorder } from "../../../pkg/kube/events/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { aborted } from "../../../pkg/runtime/timing/index.ts";
import { eventually } from "../../support/eventually.ts";
import { Rig } from "./rig.ts";

const rig = Rig.use();
const log = silentLogger();
const times = { leaseDurationMs: 2000, renewDeadlineMs: 1500, retryPeriodMs: 100 };

function candidate(name: string, identity: string, options: Partial<ElectionOptions> = {}): Election {
  const { admin: client, namespace } = rig;
  return createElection({ client, name, namespace, identity, log, ...times, ...options });
}

const leaseOf = async (name: string) => (await rig.admin.get(Lease, { name, namespace: rig.namespace })).spec ?? {};

/** A process that has become leader. */
async function leadingProcess(name: string, identity: string): Promise<ChildProcess> {
  const program = fileURLToPath(new URL("candidate.ts", import.meta.url));
  const args = [program, rig.cluster.kubeconfig, rig.namespace, name, identity];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  rig.after(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout as NodeJS.ReadableStream, "data");
  expect(String(line)).toBe("leads\n");
  return child;
}

describe("a lease on a server", () => {
  test("goes to one of many who want it at once, in client-go's form", async () => {
    let leaders = 0;
    const candidates = Array.from({ length: 5 }, (_, at) => candidate("rush", `c${at}`));
    for (const each of candidates) {
      rig.run((signal) =>
        each.run(signal, async (lost) => {
          leaders++;
          await aborted(lost);
          leaders--;
        }),
      );
    }
    const first = await eventually("somebody leads", async () => {
      const spec = await leaseOf("rush");
      expect(leaders).toBe(1);
      return spec;
    });
    await eventually("it is renewed", async () => {
      const spec = await leaseOf("rush");
      expect(spec.renewTime).not.toBe(first.renewTime);
      expect(spec).toEqual({ ...first, renewTime: spec.renewTime });
    });
    expect(candidates.filter((each) => each.isLeader())).toHaveLength(1);
    expect(first).toMatchObject({ holderIdentity: expect.stringMatching(/^c\d$/), leaseDurationSeconds: 2 });
    const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
    expect([first.acquireTime, first.renewTime]).toEqual([
      expect.stringMatching(microTime),
      expect.stringMatching(microTime),
    ]);
  });

  test("survives its leader: killed, it is replaced after the duration, and no earlier", async () => {
    const child = await leadingProcess("killed", "process");
    const heir = candidate("killed", "heir");
    rig.run((signal) => heir.run(signal, aborted));
    await eventually("the heir looks on", async () => expect((await leaseOf("killed")).holderIdentity).toBe("process"));
    child.kill("SIGKILL");
    await once(child, "exit");
    const last = await leaseOf("killed");
    expect(last.holderIdentity).toBe("process");
    await eventually("the heir leads", () => expect(heir.isLeader()).toBe(true));
    const spec = await leaseOf("killed");
    expect(spec).toMatchObject({ holderIdentity: "heir", leaseTransitions: 1 });
    const gapMs = Date.parse(spec.acquireTime ?? "") - Date.parse(last.renewTime ?? "");
    expect(gapMs).toBeGreaterThanOrEqual(2000);
  });

  test("is released by a process that ends, for the next to take without waiting", async () => {
    const child = await leadingProcess("ended", "process");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    const released = await leaseOf("ended");
    expect(released).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1, leaseTransitions: 0 });
    const heir = candidate("ended", "heir");
    rig.run((signal) => heir.run(signal, aborted));
    await eventually("the heir leads", () => expect(heir.isLeader()).toBe(true));
    expect(await leaseOf("ended")).toMatchObject({ holderIdentity: "heir", leaseTransitions: 1 });
  });

  test("is kept through others' changes, and lost to one who takes it", async () => {
    const holder = candidate("taken", "holder", { labels: { app: "x" } });
    const ref = { name: "taken", namespace: rig.namespace };
    const order: string[] = [];
    const run = holder
      .run(new AbortController().signal, async (signal) => {
        await aborted(signal);
        order.push("work ended");
      })
      .catch((thrown: { reason: string }) => order.push(thrown.reason));
    await eventually("it leads", () => expect(holder.isLeader()).toBe(true));
    const before = await leaseOf("taken");
    await rig.admin.patch(Lease, ref, { type: "merge", body: { metadata: { labels: { touched: "yes" } } } });
    await eventually("it renews", async () => expect((await leaseOf("taken")).renewTime).not.toBe(before.renewTime));
    const { metadata } = await rig.admin.get(Lease, ref);
    expect(metadata.labels).toEqual({ app: "x", touched: "yes" });
    await rig.admin.patch(Lease, ref, { type: "merge", body: { spec: { holderIdentity: "thief" } } });
    await run;
    expect(order).toEqual(["work ended", "LeadershipLost"]);
    expect(await leaseOf("taken")).toMatchObject({ holderIdentity: "thief" });
  });

  test("is told of by events", async () => {
    const { admin: client, namespace } = rig;
    const recorder = createRecorder({ client, component: "told/holder", log });
    const stop = new AbortController();
    await candidate("told", "holder", { events: recorder }).run(stop.signal, async () => stop.abort());
    await recorder.close();
    const fieldSelector = "involvedObject.name=told,involvedObject.kind=Lease";
    const { items } = await client.list(Event, { namespace, fieldSelector });
    const texts = items.map(({ reason, message, type }) => [type, reason, message]).sort();
    expect(texts).toEqual([
      ["Normal", "LeaderElection", "holder became leader"],
      ["Normal", "LeaderElection", "holder stopped leading"],
    ]);
  });
});
