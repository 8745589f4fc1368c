import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { metadataServer } from "../../../pkg/snapshotmetadata/index.ts";
import { eventually } from "../../support/eventually.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { type AnnouncedPlace, type Issuer, issuer, openAnnounced } from "./announcement-rig.ts";
import { apiDoor } from "./api-door.ts";
import type { Sidecar } from "./place.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await openGround();
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

const annotation = "snapshotmetadata.csi-data-protection.io/published-ca";
const pairOf = ({ certPem, keyPem }: Issuer) => ({ "tls.crt": certPem, "tls.key": keyPem });
const caOf = (...issuers: readonly Issuer[]) => ({ "ca.crt": issuers.map(({ caPem }) => caPem).join("") });

/** Mounts authority and pair of one issuer. */
async function mount({ authorities, pair }: AnnouncedPlace, one: Issuer): Promise<void> {
  await authorities.put(caOf(one));
  await pair.put(pairOf(one));
}

const publishes = (at: AnnouncedPlace, ...subjects: string[]) =>
  eventually(`${subjects.join(" and ")} are published`, async () => expect(await at.published()).toEqual(subjects));

const warned = (sidecar: Sidecar): unknown[] =>
  sidecar
    .lines()
    .filter((line) => line["msg"] === "SnapshotMetadataService needs attention")
    .map((line) => line["reason"]);

/** Calls again and again, each time knowing nothing but the object, until told to stop; gives every answer. */
function callsWithoutPause(at: AnnouncedPlace, sidecar: Sidecar) {
  const codes: number[] = [];
  let going = true;
  const loop = (async () => {
    while (going) codes.push((await at.call(sidecar)).code);
  })();
  return {
    codes,
    stop: async () => {
      going = false;
      await loop;
    },
  };
}

describe("the object", () => {
  it("is created when it is missing, leads to the server, and comes back when it is deleted", async () => {
    await using at = await openAnnounced(ground);
    await mount(at, await issuer(at.place, "one"));
    await using sidecar = await at.start();
    await sidecar.logged("SnapshotMetadataService created");
    expect((await at.service()).spec).toMatchObject({ address: "localhost:6443", audience: "kept.test" });
    expect((await at.call(sidecar)).code).toBe(status.OK);
    await at.place.admin.delete(SnapshotMetadataService, { name: at.place.driverName });
    await publishes(at, "CN=one");
    expect((await at.call(sidecar)).code).toBe(status.OK);
    expect(warned(sidecar)).toEqual([]);
    await eventually("it is told", async () => expect(await at.events()).toContain("ServiceCreated"));
  });

  it("is not created, and nothing of it is touched, without flags that ask for it", async () => {
    await using at = await openAnnounced(ground);
    await mount(at, await issuer(at.place, "one"));
    await using quiet = await at.place.start();
    expect(await quiet.logged("component ended")).toMatchObject({ component: "announcement" });
    expect(await at.place.admin.find(SnapshotMetadataService, { name: at.place.driverName })).toBeUndefined();
    await using sidecar = await at.start("--service-create=false", "--service-address=", "--service-audience=");
    await eventually("it is missed", () => expect(warned(sidecar)).toEqual(["ServiceMissing"]));
    const spec = { address: "localhost:1", audience: "theirs.test", caCert: "eA==" };
    await at.place.admin.create(SnapshotMetadataService, { metadata: { name: at.place.driverName }, spec });
    await publishes(at, "CN=one");
    expect((await at.service()).spec).toMatchObject({ address: "localhost:1", audience: "theirs.test" });
    await sidecar.logged("put right");
  });

  it("edited by a person: our fields are put right, others stay as they are", async () => {
    await using at = await openAnnounced(ground);
    await mount(at, await issuer(at.place, "one"));
    const stranger = await issuer(at.place, "stranger");
    await using sidecar = await at.start();
    await publishes(at, "CN=one");
    const { caCert } = (await at.service()).spec;
    const edit = (body: object) =>
      at.place.admin.patch(SnapshotMetadataService, { name: at.place.driverName }, { type: "merge", body });
    await edit({
      metadata: { labels: { team: "storage" }, annotations: { note: "kept" } },
      spec: { address: "wrong:1", audience: "wrong", caCert: "Z2FyYmFnZQ==", requireBaseSnapshotForDelta: true },
    });
    await eventually("it is put right", async () =>
      expect((await at.service()).spec).toEqual({
        address: "localhost:6443",
        audience: "kept.test",
        caCert,
        requireBaseSnapshotForDelta: true,
      }),
    );
    expect((await at.service()).metadata).toMatchObject({
      labels: { team: "storage" },
      annotations: { note: "kept" },
    });
    const pem = Buffer.from(caCert, "base64").toString("utf8") + stranger.caPem;
    await edit({ spec: { caCert: Buffer.from(pem).toString("base64") } });
    await publishes(at, "CN=one");
    expect((await at.call(sidecar)).code).toBe(status.OK);
    await eventually("it is told", async () => expect(await at.events()).toContain("ServiceUpdated"));
  });

  it("never gets a private key, even if the file holds one", async () => {
    await using at = await openAnnounced(ground);
    const one = await issuer(at.place, "one");
    await at.authorities.put({ "ca.crt": `# ours\n${one.keyPem}${one.caPem}` });
    await at.pair.put(pairOf(one));
    await using sidecar = await at.start();
    await publishes(at, "CN=one");
    const text = Buffer.from((await at.service()).spec.caCert, "base64").toString("utf8");
    expect(text).toBe(one.certificate.toString());
    expect((await at.call(sidecar)).code).toBe(status.OK);
  });

  it("is left alone once it is right", async () => {
    await using at = await openAnnounced(ground);
    const one = await issuer(at.place, "one");
    await mount(at, one);
    await using sidecar = await at.start();
    await publishes(at, "CN=one");
    await using replica = await at.start();
    await replica.ready();
    const { resourceVersion } = (await at.service()).metadata;
    // The same content in another Secret, then other words around it.
    await at.authorities.put(caOf(one));
    await at.authorities.put({ "ca.crt": `renewed\n${one.caPem}` });
    await at.place.admin.patch(
      SnapshotMetadataService,
      { name: at.place.driverName },
      { type: "merge", body: { metadata: { labels: { seen: "yes" } } } },
    );
    const reconciled = async (each: Sidecar): Promise<number> =>
      Number(/^dp_reconciles_total\{.*\} (\d+)$/m.exec((await each.http("/metrics")).body)?.[1] ?? 0);
    await eventually("both have looked", async () => {
      expect(await reconciled(sidecar)).toBeGreaterThan(1);
      expect(await reconciled(replica)).toBeGreaterThan(1);
    });
    const { metadata } = await at.service();
    expect(metadata.generation).toBe(1);
    expect(metadata.resourceVersion).not.toBe(resourceVersion);
    expect(sidecar.lines().filter(({ msg }) => msg === "SnapshotMetadataService changed")).toEqual([]);
    expect(replica.lines().filter(({ msg }) => msg === "SnapshotMetadataService changed")).toEqual([]);
  });
});

describe("a new authority", () => {
  it("first the authority, then the pair: no call fails, and the old one goes when its time is over", async () => {
    await using at = await openAnnounced(ground);
    const [old, fresh] = [await issuer(at.place, "old"), await issuer(at.place, "new")];
    await mount(at, old);
    await using sidecar = await at.start("--service-ca-overlap=4s");
    await publishes(at, "CN=old");
    await sidecar.ready();
    const calls = callsWithoutPause(at, sidecar);
    await eventually("a call before", () => expect(calls.codes.length).toBeGreaterThan(1));
    await at.authorities.put(caOf(fresh));
    await publishes(at, "CN=old", "CN=new");
    const between = calls.codes.length;
    await eventually("a call between", () => expect(calls.codes.length).toBeGreaterThan(between + 1));
    await at.pair.put(pairOf(fresh));
    await publishes(at, "CN=new");
    const after = calls.codes.length;
    await eventually("a call after", () => expect(calls.codes.length).toBeGreaterThan(after + 1));
    await calls.stop();
    expect(new Set(calls.codes)).toEqual(new Set([status.OK]));
    expect((await at.service()).metadata.annotations?.[annotation]).toBe(
      JSON.stringify({ [fresh.certificate.fingerprint256]: "" }),
    );
  });

  it("stays beside the old one while that is still served, however long it takes", async () => {
    await using at = await openAnnounced(ground);
    const [old, fresh] = [await issuer(at.place, "old"), await issuer(at.place, "new")];
    await mount(at, old);
    await using sidecar = await at.start("--service-ca-overlap=0s");
    await publishes(at, "CN=old");
    await at.authorities.put(caOf(fresh));
    await publishes(at, "CN=old", "CN=new");
    await eventually("it is told", () => expect(warned(sidecar)).toEqual(["AuthorityStillNeeded"]));
    expect((await at.call(sidecar)).code).toBe(status.OK);
    await at.pair.put(pairOf(fresh));
    await publishes(at, "CN=new");
    await eventually("it is served", async () => expect((await at.call(sidecar)).code).toBe(status.OK));
    await sidecar.logged("put right");
  });

  it("both at once, as cert-manager swaps them: calls work again as soon as the object is read anew", async () => {
    await using at = await openAnnounced(ground);
    const [old, fresh] = [await issuer(at.place, "old"), await issuer(at.place, "new")];
    await at.authorities.put({ ...caOf(old), ...pairOf(old) });
    await at.pair.put(pairOf(old));
    const files = ["cert", "key"].map((kind) => {
      return `--tls-${kind}=${at.authorities.path(kind === "cert" ? "tls.crt" : "tls.key")}`;
    });
    await using sidecar = await at.start(...files);
    await publishes(at, "CN=old");
    expect((await at.call(sidecar)).code).toBe(status.OK);
    await at.authorities.put({ ...caOf(fresh), ...pairOf(fresh) });
    await publishes(at, "CN=old", "CN=new");
    await eventually("the new pair is served", async () => expect((await at.call(sidecar)).code).toBe(status.OK));
  });

  it("killed in the middle: the next process knows when the old one has to go, to the second", async () => {
    await using at = await openAnnounced(ground);
    const [old, fresh] = [await issuer(at.place, "old"), await issuer(at.place, "new")];
    await mount(at, old);
    const note = async () => (await at.service()).metadata.annotations?.[annotation];
    {
      await using first = await at.start();
      await publishes(at, "CN=old");
      await at.authorities.put(caOf(fresh));
      await at.pair.put(pairOf(fresh));
      await publishes(at, "CN=old", "CN=new");
      first.kill("SIGKILL");
      await first.ended;
    }
    const before = await note();
    expect(Object.keys(JSON.parse(before ?? "{}"))).toHaveLength(2);
    // Something to put right shows that the second process has looked.
    const moved = { type: "merge", body: { spec: { address: "wrong:1" } } } as const;
    await at.place.admin.patch(SnapshotMetadataService, { name: at.place.driverName }, moved);
    await using second = await at.start("--service-ca-overlap=30h");
    await second.logged("SnapshotMetadataService changed");
    expect(await note()).toBe(before);
    expect(await at.published()).toEqual(["CN=old", "CN=new"]);
    second.kill("SIGKILL");
    await second.ended;
    const passed = (before ?? "").replace(/"\d{4}-[^"]+"/, '"2020-01-01T00:00:00.000Z"');
    const late = { type: "merge", body: { metadata: { annotations: { [annotation]: passed } } } } as const;
    await at.place.admin.patch(SnapshotMetadataService, { name: at.place.driverName }, late);
    await using third = await at.start();
    await publishes(at, "CN=new");
    expect((await at.call(third)).code).toBe(status.OK);
  });
});

describe("what goes wrong", () => {
  it("without the right to write it is said once, and serving goes on", async () => {
    await using at = await openAnnounced(ground, { rules: metadataServer.rbac });
    const one = await issuer(at.place, "one");
    await mount(at, one);
    await using sidecar = await at.start();
    await eventually("it is told", () => expect(warned(sidecar)).toEqual(["Forbidden"]));
    const caCert = Buffer.from(one.caPem).toString("base64");
    const spec = { address: "localhost:6443", audience: "kept.test", caCert };
    await at.place.admin.create(SnapshotMetadataService, { metadata: { name: at.place.driverName }, spec });
    expect((await at.call(sidecar)).code).toBe(status.OK);
    await at.authorities.put(caOf(one, await issuer(at.place, "two")));
    await eventually("it has looked again", async () => {
      const { body } = await sidecar.http("/metrics");
      expect(body).toMatch(/^snapshot_metadata_service_findings\{reason="Forbidden"\} 1$/m);
      expect(Number(/^dp_reconciles_total\{.*\} (\d+)$/m.exec(body)?.[1])).toBeGreaterThan(2);
    });
    expect((await at.call(sidecar)).code).toBe(status.OK);
    expect((await sidecar.http("/readyz")).status).toBe(200);
    // Once for the creation, once for the change: never again for the same.
    expect(warned(sidecar).length).toBeLessThanOrEqual(2);
  });

  it("the API server is away: the change is made when it is back", async () => {
    await using door = await apiDoor(ground.kubeconfigText);
    await using at = await openAnnounced(ground, { kubeconfigText: door.kubeconfigText });
    const [old, fresh] = [await issuer(at.place, "old"), await issuer(at.place, "new")];
    await mount(at, old);
    await using sidecar = await at.start();
    await publishes(at, "CN=old");
    door.shut();
    await at.authorities.put(caOf(fresh));
    await eventually("it was tried", () =>
      expect(sidecar.lines().filter(({ msg }) => msg === "reconcile failed").length).toBeGreaterThan(0),
    );
    expect((await sidecar.http("/readyz")).status).toBe(200);
    await door.open();
    await publishes(at, "CN=old", "CN=new");
  });

  it("certificates that clients would refuse are told: name, authority, age", async () => {
    await using at = await openAnnounced(ground);
    const [one, other] = [await issuer(at.place, "one", "elsewhere.test"), await issuer(at.place, "other")];
    await at.authorities.put(caOf(other));
    await at.pair.put(pairOf(one));
    await using sidecar = await at.start();
    await eventually("they are told", () =>
      expect(warned(sidecar)).toEqual(["CertificateNameMismatch", "CertificateNotTrusted"]),
    );
    const details = sidecar.lines().map((line) => String(line["detail"] ?? ""));
    expect(details.join("\n")).toContain("is for DNS:elsewhere.test, and clients are sent to localhost");
    await eventually("there are events", async () =>
      expect(await at.events()).toEqual(["CertificateNameMismatch", "CertificateNotTrusted", "ServiceCreated"]),
    );
    const short = await other.issue({
      subject: "CN=short",
      hosts: ["localhost"],
      notAfter: new Date(Date.now() + 60_000),
    });
    at.place.canaries.hideKey("a short-lived key", short.keyPem);
    await at.pair.put({ "tls.crt": short.certPem, "tls.key": short.keyPem });
    await eventually("its age is told", () => expect(warned(sidecar).at(-1)).toBe("CertificateExpiresSoon"));
    const { body } = await sidecar.http("/metrics");
    const left = (which: string): number =>
      Number(new RegExp(`expiry_seconds\\{certificate="${which}"\\} (\\S+)$`, "m").exec(body)?.[1]);
    expect(left("server")).toBeGreaterThan(0);
    expect(left("server")).toBeLessThanOrEqual(60);
    expect(left("authority")).toBeGreaterThan(3600);
    expect((await at.call(sidecar)).code).toBe(status.OK);
  });

  it("a file that can not be used changes nothing, and is told", async () => {
    await using at = await openAnnounced(ground);
    const one = await issuer(at.place, "one");
    await mount(at, one);
    await using sidecar = await at.start();
    await publishes(at, "CN=one");
    await at.authorities.put({ "ca.crt": one.caPem.slice(0, 200) });
    await eventually("it is told", () => expect(warned(sidecar)).toEqual(["FileUnusable"]));
    expect(await at.published()).toEqual(["CN=one"]);
    expect((await at.call(sidecar)).code).toBe(status.OK);
    await at.authorities.put(caOf(one));
    await sidecar.logged("put right");
  });
});
