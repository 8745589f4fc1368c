import { describe, expect, test } from "vitest";
import { Event, type EventType, Namespace } from "../../../pkg/apis/core/index.ts";
import type { KubeObject } from "../../../pkg/apis/schema/index.ts";
import { createRecorder, type EventRecorder } from "../../../pkg/kube/events/index.ts";
import { createLogger } from "../../../pkg/runtime/log/index.ts";
import { kubeconfigOf, makeIdentity } from "../../support/identity.ts";
import { Rig } from "./rig.ts";

const rig = Rig.use();
type Line = { readonly level: string; readonly msg: string; readonly reason?: string };

function aRecorder(client = rig.admin): { recorder: EventRecorder; warnings: Line[] } {
  const warnings: Line[] = [];
  const write = (line: string): void => void warnings.push(JSON.parse(line) as Line);
  const log = createLogger({ name: "test", level: "warn", destination: { write } });
  const recorder = createRecorder({ client, component: "test-controller", host: "node-1", log });
  rig.after(() => recorder.close());
  return { recorder, warnings };
}

const eventsOf = async (name: string, namespace = rig.namespace): Promise<Event[]> =>
  (await rig.admin.list(Event, { namespace, fieldSelector: `involvedObject.name=${name}` })).items;

const told = (events: readonly Event[]) => events.map(({ type, reason, count }) => [type, reason, count]).sort();

async function anObject(name: string): Promise<KubeObject> {
  await rig.make(name);
  const { metadata } = rig.configMap(name);
  return { apiVersion: "v1", kind: "ConfigMap", metadata };
}

describe("events on a server", () => {
  test("are stored as they were told, and counted when they repeat", async () => {
    const object = await anObject("told");
    const { recorder, warnings } = aRecorder();
    const tell = (type: EventType, reason: string): void => recorder.event(object, type, reason, `about ${reason}`);
    for (let n = 0; n < 3; n++) tell("Warning", "Failed");
    tell("Normal", "Done");
    await recorder.flush();
    const events = await eventsOf("told");
    expect(told(events)).toEqual([
      ["Normal", "Done", 1],
      ["Warning", "Failed", 3],
    ]);
    expect(events.find((each) => each.reason === "Failed")).toMatchObject({
      metadata: { name: expect.stringMatching(/^told\.[0-9a-f]{16}$/) },
      involvedObject: { apiVersion: "v1", kind: "ConfigMap", namespace: rig.namespace, name: "told" },
      message: "about Failed",
      source: { component: "test-controller", host: "node-1" },
      reportingComponent: "test-controller",
      reportingInstance: "node-1",
      firstTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(warnings).toEqual([]);
  });

  test("that expired begin anew", async () => {
    const object = await anObject("expired");
    const { recorder } = aRecorder();
    recorder.event(object, "Normal", "Waiting", "x");
    await recorder.flush();
    const [first = ""] = (await eventsOf("expired")).map(({ metadata }) => metadata.name);
    await rig.admin.delete(Event, { name: first, namespace: rig.namespace });
    recorder.event(object, "Normal", "Waiting", "x");
    await recorder.flush();
    const events = await eventsOf("expired");
    expect(told(events)).toEqual([["Normal", "Waiting", 2]]);
    expect(events[0]?.metadata.name).not.toBe(first);
  });

  test("of a cluster-scoped object live in the namespace default", async () => {
    const { recorder, warnings } = aRecorder();
    const name = rig.namespace;
    recorder.event({ apiVersion: "v1", kind: Namespace.kind, metadata: { name } }, "Normal", "Seen", "x");
    await recorder.flush();
    const events = await eventsOf(name, "default");
    expect(told(events)).toEqual([["Normal", "Seen", 1]]);
    expect(warnings).toEqual([]);
    for (const { metadata } of events)
      await rig.admin.delete(Event, { name: metadata.name ?? "", namespace: "default" });
  });

  test("of one reason in a flood are combined", async () => {
    const object = await anObject("flood");
    const { recorder } = aRecorder();
    for (let n = 1; n <= 20; n++) recorder.event(object, "Warning", "Failed", `try ${n}: ${"ü".repeat(600)}`);
    await recorder.flush();
    const events = await eventsOf("flood");
    expect(events).toHaveLength(10);
    const combined = events.find(({ message = "" }) => message.startsWith("(combined from similar events): try 20"));
    expect(combined?.count).toBe(11);
    expect(Buffer.byteLength(combined?.message ?? "")).toBeLessThanOrEqual(1024);
  });

  test("without the right to write them are complained of once, and never hold anybody up", async () => {
    const object = await anObject("denied");
    const who = await makeIdentity(rig.admin, { namespace: rig.namespace, name: "no-events" }, []);
    const kubeconfig = await kubeconfigOf(rig.admin, who, rig.cluster.kubeconfigText);
    const { recorder, warnings } = aRecorder(rig.client(kubeconfig));
    for (let n = 0; n < 5; n++) recorder.event(object, "Normal", `R${n}`, "x");
    await recorder.flush();
    expect(warnings.map(({ msg, reason }) => [msg, reason])).toEqual([["event not written", "Forbidden"]]);
    expect(await eventsOf("denied")).toEqual([]);
  });
});
