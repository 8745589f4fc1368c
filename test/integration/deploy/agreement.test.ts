import { describe, expect, it } from "vitest";
import { parseSocketAddress } from "../../../pkg/csi/index.ts";
import { processOptions } from "../../../pkg/runtime/lifecycle/index.ts";
import { parseCommandLine } from "../../../pkg/runtime/options/index.ts";
import { metadataServer, serviceAnnouncement } from "../../../pkg/snapshotmetadata/index.ts";
import { manifest, manifests } from "../../support/manifests.ts";
import { exampleSet } from "./example.ts";

const { set, pod, driver, server } = await exampleSet();
const own = "csi-snapshot-metadata";

/** What the program makes of the example's arguments. */
function parsedFlags() {
  const sets = [metadataServer.options, serviceAnnouncement.options, processOptions] as const;
  const parsed = parseCommandLine(sets, server.args, {});
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  const [flags, service, process] = parsed.values;
  return { flags, service, process };
}

const mountOf = (name: string): string | undefined => server.volumeMounts.find((each) => each.name === name)?.mountPath;
const portOf = (name: string): number | undefined => server.ports.find((each) => each.name === name)?.containerPort;

describe("the example's arguments", () => {
  it("are understood by the program, and give no flag twice", () => {
    expect(parsedFlags().flags.csiAddress).not.toBe("");
    const names = server.args.map((arg) => arg.split("=")[0]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("name the ports that the container has, and the probes ask there", () => {
    const { flags } = parsedFlags();
    expect(portOf("grpc")).toBe(flags.port);
    expect(`:${portOf("http")}`).toBe(flags.httpEndpoint);
    expect(server.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "http" });
    expect(server.livenessProbe.httpGet).toEqual({ path: "/healthz", port: "http" });
  });

  it("lead to the volumes: the socket that the driver makes, and the files of the Secret", () => {
    const { flags, service } = parsedFlags();
    const endpoint = /^--endpoint=(.*)$/.exec(driver.args[0] ?? "")?.[1] ?? "";
    expect(parseSocketAddress(flags.csiAddress)).toEqual(parseSocketAddress(endpoint));
    expect(parseSocketAddress(flags.csiAddress).path.startsWith(`${mountOf("socket")}/`)).toBe(true);
    expect(driver.volumeMounts).toEqual([{ name: "socket", mountPath: mountOf("socket") }]);
    expect(pod.volumes.find(({ name }) => name === "socket")).toEqual({ name: "socket", emptyDir: {} });
    for (const [file, key] of [
      [flags.tlsCert, "tls.crt"],
      [flags.tlsKey, "tls.key"],
      [service.serviceCaFile, "ca.crt"],
    ]) {
      expect(file).toBe(`${mountOf("certificates")}/${key}`);
    }
  });

  it("leave the program time to stop", () => {
    const { flags, process } = parsedFlags();
    expect(process.shutdownTimeout).toBeLessThan(pod.terminationGracePeriodSeconds * 1000);
    expect(flags.drainTimeout).toBeLessThanOrEqual(process.shutdownTimeout);
  });
});

describe("the example's pod", () => {
  it("is what the strictest pod security standard asks for, with a root file system that nobody writes to", () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(pod.securityContext["runAsUser"]).not.toBe(0);
    expect(server.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(driver.securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
  });

  it("can read the Secret without being root", () => {
    const { defaultMode = 0 } = pod.volumes.find(({ name }) => name === "certificates")?.secret ?? {};
    expect(pod.securityContext["fsGroup"]).toBe(pod.securityContext["runAsGroup"]);
    expect(defaultMode.toString(8)).toBe("440");
  });

  it("asks for memory and processor, and is bounded in memory", () => {
    expect(Object.keys(server.resources.requests).toSorted()).toEqual(["cpu", "memory"]);
    expect(server.resources.limits).toHaveProperty("memory");
  });

  it("runs as the account that the generated roles are bound to", async () => {
    const account = { kind: "ServiceAccount", name: pod.serviceAccountName, namespace: set.metadata.namespace };
    const bindings = (await manifests(`rbac/${own}*.yaml`)).filter(({ object }) => object.kind?.endsWith("Binding"));
    expect(bindings.length).toBeGreaterThan(0);
    for (const { object } of bindings) expect(object["subjects"]).toEqual([account]);
    const { metadata } = await manifest(`rbac/${own}.yaml`, "ServiceAccount");
    expect(metadata).toMatchObject({ name: account.name, namespace: account.namespace });
  });
});

describe("names", () => {
  const expected = { name: own, namespace: "csi-driver" };

  it("the namespace of all objects is the one that namespace.yaml makes", async () => {
    const { metadata } = await manifest(`${own}/namespace.yaml`, "Namespace");
    const objects = await manifests(`{rbac/${own}*,${own}/*,${own}/certificates/*}.yaml`);
    const used = new Set(objects.flatMap(({ object }) => object.metadata.namespace ?? []));
    expect([...used]).toEqual([metadata.name]);
  });

  it("the Service finds the pod and its port", async () => {
    const service = await manifest(`${own}/service.yaml`, "Service");
    const { selector, ports } = service["spec"] as {
      selector: object;
      ports: { port: number; targetPort: string }[];
    };
    expect(service.metadata).toMatchObject(expected);
    expect(set.spec.serviceName).toBe(expected.name);
    expect(set.spec.template.metadata.labels).toMatchObject(selector);
    expect(set.spec.template.metadata.labels).toMatchObject(set.spec.selector.matchLabels);
    expect(ports).toMatchObject([{ port: 6443, targetPort: "grpc" }]);
    expect(portOf("grpc")).toBe(50051);
  });

  it("the address is the Service's, and the certificates are for its host", async () => {
    const { spec } = await manifest(`${own}/snapshot-metadata-service.yaml`, "SnapshotMetadataService");
    const address = `${expected.name}.${expected.namespace}.svc:6443`;
    expect(spec).toMatchObject({ address, audience: "driver.example.com" });
    const { service } = parsedFlags();
    expect([service.serviceAddress, service.serviceAudience]).toEqual([address, "driver.example.com"]);
    expect(service.serviceCreate).toBe(true);
    const host = address.split(":")[0];
    const certificates = (await manifests(`${own}/certificates/cert-manager.yaml`)).flatMap(({ object }) => {
      const names = (object["spec"] as { dnsNames?: string[]; secretName?: string }).dnsNames;
      return names === undefined ? [] : [{ names, secret: (object["spec"] as { secretName: string }).secretName }];
    });
    const secret = pod.volumes.find(({ name }) => name === "certificates")?.secret?.secretName;
    expect(certificates).toEqual([{ names: [host], secret }]);
  });

  it("the bindings of the client's example lead to the client's roles", async () => {
    const roles = await manifests(`${own}/client/*.yaml`);
    const named = (kind: string) =>
      new Set(roles.flatMap(({ object }) => (object.kind === kind ? [object.metadata.name] : [])));
    const bindings = roles.filter(({ object }) => object.kind?.endsWith("Binding"));
    expect(bindings.length).toBe(3);
    for (const { object } of bindings) {
      const { kind, name } = object["roleRef"] as { kind: string; name: string };
      expect(named(kind)).toContain(name);
      expect(object["subjects"]).toEqual([{ kind: "ServiceAccount", name: "backup", namespace: "backup-system" }]);
    }
  });
});
