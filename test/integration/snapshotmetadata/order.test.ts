import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { makeIdentity } from "../../support/identity.ts";
import { useGround } from "./ask.ts";
import { openRig, untilReady } from "./rig.ts";

const { ground } = useGround();

/** Each request is wrong at its own step and at all later ones: the earliest decides what its caller learns. */
it("the steps of a call come in the original's order", async () => {
  await using rig = await openRig(ground());
  await untilReady(rig);
  await makeIdentity(rig.admin, { namespace: rig.namespace, name: "stranger" }, []);
  rig.driver.kill();
  await eventually("the driver is missed", async () => expect((await rig.http("/readyz")).status).toBe(503));
  const ask = async (changes: Record<string, unknown>) => {
    const { code, details } = await rig.caller.allocated({
      securityToken: "of nobody",
      namespace: rig.namespace,
      snapshotName: "missing",
      ...changes,
    });
    return [status[code], details];
  };
  const [stranger, backup] = [await rig.token({ account: "stranger" }), await rig.token()];
  expect(await ask({ snapshotName: "" })).toEqual(["INVALID_ARGUMENT", expect.stringContaining("snapshot_name")]);
  expect(await ask({})).toEqual(["UNAUTHENTICATED", expect.anything()]);
  expect(await ask({ securityToken: stranger })).toEqual(["PERMISSION_DENIED", expect.anything()]);
  expect(await ask({ securityToken: backup })).toEqual(["UNAVAILABLE", expect.stringContaining("driver is not ready")]);
  await rig.driver.start();
  await untilReady(rig);
  expect(await ask({ securityToken: backup })).toEqual(["NOT_FOUND", expect.stringContaining("missing")]);
});
