import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { ClusterRoleBinding, ServiceAccount } from "../../../pkg/apis/core/index.ts";
import { eventually } from "../../support/eventually.ts";
import { makeIdentity } from "../../support/identity.ts";
import { useSeenGround } from "./ask.ts";
import { openRig, type Rig, untilReady } from "./rig.ts";
import { putSnapshot } from "./snapshots.ts";

const { ground, proxy } = useSeenGround();

/** How often the API server was asked about a token, or about rights. */
const asked = (what: "tokenreviews" | "subjectaccessreviews"): number =>
  proxy().seen.filter(({ path }) => path.endsWith(`/${what}`)).length;

async function withRig(flags: readonly string[], test: (rig: Rig) => Promise<void>): Promise<void> {
  await using rig = await openRig(ground(), { flags });
  await putSnapshot(rig);
  await untilReady(rig);
  proxy().seen.length = 0;
  proxy().fault = () => undefined;
  await test(rig);
}

const ask = (rig: Rig, securityToken: string) =>
  rig.caller.allocated({ securityToken, namespace: rig.namespace, snapshotName: "snap" });

const rights = [{ apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] }];

describe("the memory of token reviews", () => {
  it.each([
    ["1h", 1],
    ["0", 4],
  ])("--token-cache-ttl=%s: four calls, %i token reviews, and always four access reviews", async (ttl, reviews) => {
    await withRig([`--token-cache-ttl=${ttl}`], async (rig) => {
      const token = await rig.token();
      for (let n = 0; n < 4; n += 1) expect((await ask(rig, token)).code).toBe(status.OK);
      expect([asked("tokenreviews"), asked("subjectaccessreviews")]).toEqual([reviews, 4]);
      const { body } = await rig.http("/metrics");
      expect(body).toContain(`snapshot_metadata_token_answers_total{from="reviewed"} ${reviews}\n`);
    });
  });

  it("a token that is not valid is asked about each time", async () => {
    await withRig(["--token-cache-ttl=1h"], async (rig) => {
      for (let n = 0; n < 3; n += 1) expect((await ask(rig, "nobody")).code).toBe(status.UNAUTHENTICATED);
      expect(asked("tokenreviews")).toBe(3);
    });
  });

  it("calls that bring one token together wait for one review, and one that leaves takes it from nobody", async () => {
    await withRig(["--token-cache-ttl=0"], async (rig) => {
      const token = await rig.token();
      const { promise: until, resolve: release } = Promise.withResolvers<void>();
      proxy().fault = ({ path }) => (path.endsWith("/tokenreviews") ? { type: "hold", until } : undefined);
      const gone = rig.caller.allocated(
        { securityToken: token, namespace: rig.namespace, snapshotName: "snap" },
        { deadline: Date.now() + 800 },
      );
      await eventually("the review is under way", () => expect(asked("tokenreviews")).toBe(1));
      const metric = async (): Promise<string> => (await rig.http("/metrics")).body;
      const staying = ask(rig, token);
      await eventually("another waits for it", async () =>
        expect(await metric()).toContain('snapshot_metadata_token_answers_total{from="shared"} 1'),
      );
      expect((await gone).code).toBe(status.DEADLINE_EXCEEDED);
      release();
      expect((await staying).code).toBe(status.OK);
      expect(asked("tokenreviews")).toBe(1);
    });
  });

  it("a right that is taken away is gone with the next call", async () => {
    await withRig(["--token-cache-ttl=1h"], async (rig) => {
      const account = { namespace: rig.namespace, name: "leaver" };
      await makeIdentity(rig.admin, account, rights);
      const securityToken = await rig.token({ account: account.name });
      expect((await ask(rig, securityToken)).code).toBe(status.OK);
      await rig.admin.delete(ClusterRoleBinding, { name: `${rig.namespace}-${account.name}` });
      await eventually("the right is gone", async () =>
        expect((await ask(rig, securityToken)).code).toBe(status.PERMISSION_DENIED),
      );
      expect(asked("tokenreviews")).toBe(1);
    });
  });
});

describe("a token of a ServiceAccount that was deleted", () => {
  const deleted = async (rig: Rig): Promise<string> => {
    const account = { namespace: rig.namespace, name: "leaver" };
    await makeIdentity(rig.admin, account, rights);
    const token = await rig.token({ account: account.name });
    expect((await ask(rig, token)).code).toBe(status.OK);
    await rig.admin.delete(ServiceAccount, account);
    return token;
  };

  it("is refused once the memory has let it go", async () => {
    await withRig(["--token-cache-ttl=300ms"], async (rig) => {
      const token = await deleted(rig);
      await eventually("it is refused", async () => expect((await ask(rig, token)).code).toBe(status.UNAUTHENTICATED));
    });
  });

  it("and not before: that is what the flag says", async () => {
    await withRig(["--token-cache-ttl=1h"], async (rig) => {
      const token = await deleted(rig);
      expect((await ask(rig, token)).code).toBe(status.OK);
      expect(asked("tokenreviews")).toBe(1);
    });
  });
});
