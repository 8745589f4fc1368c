import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Event } from "../../../pkg/apis/core/index.ts";
import { VolumeSnapshot, VolumeSnapshotContent } from "../../../pkg/apis/snapshot/index.ts";
import { eventually } from "../../support/eventually.ts";
import { message } from "../../support/metadata-messages.ts";
import { useGround } from "../snapshotmetadata/ask.ts";
import { putClass, putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { allRights } from "./announcement-rig.ts";
import { Canaries } from "./canaries.ts";
import { openPlace } from "./place.ts";

const { ground } = useGround();

describe("secrets", () => {
  it("stay in the program: not in answers, log, stdout, metrics, events or the status of any object", async () => {
    // The driver repeats what it was given wherever it can.
    const place = await openPlace(ground(), {
      rules: allRights,
      driver: {
        stream: (call, { request }) => {
          const told = `login ${JSON.stringify(request.secrets)} refused`;
          call.write(message(1));
          // The second message breaks a rule, which the server tells of in words of its own.
          if (request.startingOffset === 1n) call.write(message(1));
          call.emit("error", { code: status.FAILED_PRECONDITION, details: told });
        },
      },
    });
    const { canaries, admin, namespace, driverName } = place;
    await place.putSecret("creds", { password: "canary-b3a9", "api.key": 'two "lines"\nof canary-77f2' });
    // As it stands in JSON, the value is another text; a part of it is as bad.
    canaries.hide("a part of the key", "canary-77f2");
    const className = `${namespace}-class`;
    await putClass(place, className, {
      "csi.storage.k8s.io/snapshotter-secret-name": "creds",
      "csi.storage.k8s.io/snapshotter-secret-namespace": namespace,
    });
    await putSnapshot(place, { className });
    // Somebody gives the wrong file: key and certificate in one.
    const mixed = join(place.folder, "mixed.pem");
    await writeFile(mixed, `${place.certificate.keyPem}${place.certificate.caPem}`);
    {
      await using sidecar = await place.start([`--service-ca-file=${mixed}`, "--service-address=nowhere.test:1"]);
      await sidecar.ready();
      const codes = [];
      for (const changes of [{}, { startingOffset: 1n }, { snapshotName: "gone" }, { namespace: "a/b" }]) {
        codes.push((await place.ask(sidecar, changes)).code);
      }
      expect(codes).toEqual([status.FAILED_PRECONDITION, status.INTERNAL, status.NOT_FOUND, status.INVALID_ARGUMENT]);
      const forged = canaries.hideToken("a forged token", `${"x".repeat(40)}.${"y".repeat(40)}.${"z".repeat(40)}`);
      expect((await place.ask(sidecar, { securityToken: forged })).code).toBe(status.UNAUTHENTICATED);
      expect((await place.ask(sidecar, { securityToken: await place.token({ audience: "other" }) })).code).toBe(
        status.UNAUTHENTICATED,
      );
      expect(place.driver.seen.at(0)?.request.secrets).toMatchObject({ password: "canary-b3a9" });
      await eventually("there are events", async () => {
        const { items } = await admin.list(Event, { fieldSelector: `involvedObject.name=${driverName}` });
        expect(items.length).toBeGreaterThan(0);
        canaries.watch("events", JSON.stringify(items));
      });
      await sidecar.http("/metrics");
      await sidecar.http("/readyz");
    }
    const objects = [
      await admin.get(SnapshotMetadataService, { name: driverName }),
      await admin.get(VolumeSnapshot, { namespace, name: "snap" }),
      await admin.get(VolumeSnapshotContent, { name: `content-${namespace}-snap` }),
    ];
    canaries.watch("objects", JSON.stringify(objects));
    const { caCert } = (objects[0] as SnapshotMetadataService).spec;
    canaries.watch("caCert", Buffer.from(caCert, "base64").toString("utf8"));
    expect(canaries.size.secrets).toBeGreaterThan(8);
    expect(canaries.size.places).toBeGreaterThan(8);
    // Searches all of it, after the program has ended.
    await place[Symbol.asyncDispose]();
  });

  it("that are told are found", () => {
    const canaries = new Canaries();
    canaries.hide("the password", "s3cret");
    canaries.watch("the log", () => "login with s3cret refused");
    expect(() => canaries.check()).toThrow("the password in the log");
  });
});
