import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ServiceAccount } from "../../../pkg/apis/core/index.ts";
import { type TestCluster, testCluster } from "../../support/cluster.ts";
import { ask } from "./ask.ts";
import { type Ground, groundOn, openRig, untilReady } from "./rig.ts";
import { putSnapshot } from "./snapshots.ts";

let cluster: TestCluster;
let ground: Ground;
beforeAll(async () => {
  cluster = await testCluster();
  ground = await groundOn(cluster.kubeconfig);
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
  await cluster.close();
});

const claimsOf = (token: string): { readonly aud: readonly string[]; readonly exp: number } =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));

it("a token that was good once is refused, and one of the same account that is good now is not", async (context) => {
  const { inside } = cluster;
  if (inside === undefined) return context.skip("makes an expired token, which nobody can on a given cluster");
  await using first = await openRig(ground);
  const { metadata } = await ground.admin.get(ServiceAccount, { namespace: first.namespace, name: "backup" });
  const expired = await inside.expiredToken({ namespace: first.namespace, name: "backup", uid: metadata.uid ?? "" });
  const { aud, exp } = claimsOf(expired);
  expect(exp * 1000).toBeLessThan(Date.now());
  // Only the age may be wrong with it: the server expects the audience that it has.
  const [audience = ""] = aud;
  await using rig = await openRig(ground, { flags: [`--audience=${audience}`] });
  await putSnapshot(first);
  await untilReady(rig);
  const there = { namespace: first.namespace };
  const result = await ask(rig, { ...there, securityToken: expired });
  expect(result).toMatchObject({ code: status.UNAUTHENTICATED, details: expect.stringContaining("not valid") });
  expect(rig.driver.seen).toEqual([]);
  const fresh = await first.token({ audience });
  // The snapshot is another driver's, which is found out only after the token has passed.
  expect(await ask(rig, { ...there, securityToken: fresh })).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining(`belongs to driver ${first.driverName}`),
  });
});
