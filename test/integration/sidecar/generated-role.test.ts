import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { startControlPlane } from "../../../hack/control-plane/index.ts";
import { eventually } from "../../support/eventually.ts";
import type { Identity } from "../../support/identity.ts";
import { message } from "../../support/metadata-messages.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { type Ground, groundOn, openGround } from "../snapshotmetadata/rig.ts";
import { putClass, putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { applyGeneratedRole } from "./manifest.ts";
import { openPlace } from "./place.ts";
import { cachedKindsOf } from "./requests.ts";

/** Makes a program with this identity do everything it can do, then ends it. Everything must work. */
async function doEverything(ground: Ground, identity: Identity): Promise<void> {
  // A driver that tells of nothing is worth a warning; here there must be none.
  const stream = (call: RawDriverCall): void => {
    call.write(message(0));
    call.end();
  };
  await using place = await openPlace(ground, { identity, driver: { stream } });
  const className = `${place.namespace}-class`;
  await place.putSecret("creds", { password: "canary-of-the-generated-role" });
  await putClass(place, className, {
    "csi.storage.k8s.io/snapshotter-secret-name": "creds",
    "csi.storage.k8s.io/snapshotter-secret-namespace": place.namespace,
  });
  await putSnapshot(place, { className });
  await putSnapshot(place, { name: "classless" });
  await putSnapshot(place, { name: "class-gone", className: "gone" });
  await putSnapshot(place, { name: "content-gone", withoutContent: true });
  await using sidecar = await place.start();
  await sidecar.ready();
  await eventually("the caches are filled", async () => expect(await cachedKindsOf(sidecar)).toBe(4));
  const codeOf = async (changes: Record<string, unknown>) => (await place.ask(sidecar, changes)).code;
  expect(await codeOf({})).toBe(status.OK);
  expect(place.driver.seen.at(-1)?.request.secrets).toEqual({ password: "canary-of-the-generated-role" });
  expect(await codeOf({ snapshotName: "classless" })).toBe(status.OK);
  expect(await codeOf({ snapshotName: "class-gone" })).toBe(status.OK);
  expect(await codeOf({ snapshotName: "content-gone" })).toBe(status.FAILED_PRECONDITION);
  expect(await codeOf({ snapshotName: "gone" })).toBe(status.NOT_FOUND);
  expect(await codeOf({ securityToken: "nobody's" })).toBe(status.UNAUTHENTICATED);
  sidecar.kill("SIGTERM");
  expect(await sidecar.ended).toEqual({ code: 0, signal: null });
  expect(sidecar.lines().filter((line) => Number(line["level"]) >= 40 || line["level"] === "warn")).toEqual([]);
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly apiGroup?: string };
  readonly responseStatus?: { readonly code?: number };
}

const grant = (group: string, resource: string, verb: string): string => `${verb} ${resource}.${group}`;

describe("the generated role", () => {
  it("is enough for everything", async () => {
    await using ground = await openGround();
    const { identity } = await applyGeneratedRole(ground.admin);
    await doEverything(ground, identity);
  });

  it("holds nothing that is not used, and nothing is refused (audit log of a real API server)", async (context) => {
    // With `make test-real` the programs are there; elsewhere building them would take minutes.
    const { TEST_CONTROL_PLANE: own = "", KUBEBUILDER_ASSETS: assets = "" } = process.env;
    if (own === "" && assets === "") context.skip("needs a real API server with an audit log: run make test-real");
    const folder = await mkdtemp(join(tmpdir(), "audit-"));
    const auditLog = join(folder, "audit.log");
    try {
      await using plane = await startControlPlane({ auditLog });
      await using ground = await groundOn(plane.kubeconfig);
      const { identity, rules } = await applyGeneratedRole(ground.admin);
      await doEverything(ground, identity);
      const username = `system:serviceaccount:${identity.namespace}:${identity.name}`;
      const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) => resources.flatMap((each) => verbs.map((verb) => grant(group, each, verb)))),
      );
      // A watch stands in the log once it has ended.
      await eventually("every right was used", async () => {
        const lines = (await readFile(auditLog, "utf8")).split("\n").filter((line) => line !== "");
        const ours = lines
          .map((line) => JSON.parse(line) as AuditEvent)
          .filter(({ user }) => user.username === username);
        expect(ours.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
        const used = new Set(
          ours.map(({ verb, objectRef }) => grant(objectRef?.apiGroup ?? "", objectRef?.resource ?? "", verb)),
        );
        expect([...used].toSorted()).toEqual(granted.toSorted());
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
