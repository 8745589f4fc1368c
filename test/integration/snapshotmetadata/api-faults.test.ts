import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../pkg/apis/core/index.ts";
import type { PolicyRule } from "../../../pkg/runtime/lifecycle/index.ts";
import { eventually } from "../../support/eventually.ts";
import { type Fault, FaultProxy, type ProxiedRequest } from "../../support/fault-proxy.ts";
import { ask, askSince, useGround } from "./ask.ts";
import { audience, openRig, type Rig, untilReady } from "./rig.ts";
import { putClass, putSnapshot } from "./snapshots.ts";

const { ground } = useGround();

const canary = "canary-8d21f7";
const className = (rig: Rig): string => `${rig.namespace}-class`;

/** Without `watch`: every read of a call goes to the API server. */
const live: readonly PolicyRule[] = [
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  {
    apiGroups: ["snapshot.storage.k8s.io"],
    resources: ["volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"],
    verbs: ["get", "list"],
  },
  { apiGroups: ["cbt.storage.k8s.io"], resources: ["snapshotmetadataservices"], verbs: ["get"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
];

/** Each request to the API server that a call with secrets makes, in the order in which it makes them. */
const steps: readonly [string, RegExp][] = [
  ["audience read", /\/snapshotmetadataservices\/[^/]+$/],
  ["token review", /\/tokenreviews$/],
  ["access review", /\/subjectaccessreviews$/],
  ["snapshot read", /\/volumesnapshots\/snap$/],
  ["content read", /\/volumesnapshotcontents\/[^/]+$/],
  ["class read", /\/volumesnapshotclasses\/[^/]+$/],
  ["secret read", /\/secrets\/creds$/],
];

/** A server that talks to the API server through a proxy, has no caches, and needs a Secret for each call. */
async function withFaults(test: (rig: Rig, proxy: FaultProxy) => Promise<void>): Promise<void> {
  await using proxy = await FaultProxy.start(ground().kubeconfigText);
  const through = { ...ground(), kubeconfigText: proxy.kubeconfig() };
  await using rig = await openRig(through, { rules: live, flags: ["--token-cache-ttl=0"] });
  const encoded = Buffer.from(canary).toString("base64");
  await rig.admin.create(Secret, {
    metadata: { namespace: rig.namespace, name: "creds" },
    data: { password: encoded },
  });
  await putClass(rig, className(rig), {
    "csi.storage.k8s.io/snapshotter-secret-name": "creds",
    "csi.storage.k8s.io/snapshotter-secret-namespace": rig.namespace,
  });
  await putSnapshot(rig, { className: className(rig) });
  await untilReady(rig);
  await test(rig, proxy);
  for (const text of [rig.log(), (await rig.http("/metrics")).body]) {
    for (const secret of [canary, encoded]) expect(text).not.toContain(secret);
  }
}

const at =
  (path: RegExp, fault: Fault) =>
  (request: ProxiedRequest): Fault | undefined =>
    path.test(request.path) && !request.query.has("watch") ? fault : undefined;

describe("the steps of a call", () => {
  it("are these, in this order", async () => {
    await withFaults(async (rig, proxy) => {
      const securityToken = await rig.token();
      proxy.seen.length = 0;
      expect((await ask(rig, { securityToken })).code).toBe(status.OK);
      const seen = proxy.seen.map(({ path }) => steps.find(([, pattern]) => pattern.test(path))?.[0]);
      expect(seen.filter((step) => step !== undefined)).toEqual(steps.map(([step]) => step));
      expect(rig.driver.seen.map(({ request }) => request.secrets)).toEqual([{ password: canary }]);
    });
  });
});

describe("an API server that does not answer", () => {
  it.each(steps)(
    "the %s: the caller's deadline holds, the driver hears nothing, the next call is served",
    async (_, path) => {
      await withFaults(async (rig, proxy) => {
        const securityToken = await rig.token();
        const request = { securityToken, namespace: rig.namespace, snapshotName: "snap" };
        proxy.fault = at(path, { type: "hang" });
        const result = await rig.caller.allocated(request, { deadline: Date.now() + 700 });
        expect(result.code).toBe(status.DEADLINE_EXCEEDED);
        expect(proxy.seen.some((each) => path.test(each.path))).toBe(true);
        await eventually("the server has ended it too", async () =>
          expect((await rig.http("/metrics")).body).toMatch(/grpc_status_code="DeadlineExceeded".*\} 1$/m),
        );
        expect(rig.driver.seen).toEqual([]);
        proxy.fault = () => undefined;
        expect((await ask(rig, { securityToken })).code).toBe(status.OK);
      });
    },
  );
});

describe("an API server that does not list contents", () => {
  it("a delta, whose base has to be looked for, ends at the caller's deadline", async () => {
    await withFaults(async (rig, proxy) => {
      const securityToken = await rig.token();
      const request = { securityToken, namespace: rig.namespace, baseSnapshotId: "base-1", targetSnapshotName: "snap" };
      proxy.fault = at(/\/volumesnapshotcontents$/, { type: "hang" });
      const result = await rig.caller.delta(request, { deadline: Date.now() + 700 });
      expect(result.code).toBe(status.DEADLINE_EXCEEDED);
      expect(rig.driver.seen).toEqual([]);
      proxy.fault = () => undefined;
      expect((await askSince(rig, { securityToken })).code).toBe(status.OK);
    });
  });
});

describe("an API server that fails", () => {
  const message = "overloaded at 10.1.2.3";
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason: "InternalError", code: 500 };

  it.each(steps)("the %s: UNAVAILABLE, without its words, for both methods", async (_, path) => {
    await withFaults(async (rig, proxy) => {
      const securityToken = await rig.token();
      proxy.fault = at(path, { type: "answer", status: 500, body });
      for (const result of [await ask(rig, { securityToken }), await askSince(rig, { securityToken })]) {
        expect(result.code).toBe(status.UNAVAILABLE);
        expect(result.details).not.toContain("10.1.2.3");
        expect(result.details).toContain("try again");
      }
      expect(rig.driver.seen).toEqual([]);
    });
  });

  it("an answer with the Secret that breaks off is quoted to nobody", async () => {
    await withFaults(async (rig, proxy) => {
      const securityToken = await rig.token();
      const { body: whole } = await rig.admin.raw({
        method: "GET",
        path: `/api/v1/namespaces/${rig.namespace}/secrets/creds`,
      });
      const encoded = Buffer.from(canary).toString("base64");
      const afterBytes = whole.indexOf(encoded) + encoded.length + 1;
      for (const by of ["stream", "connection"] as const) {
        proxy.fault = at(/\/secrets\/creds$/, { type: "truncate", afterBytes, by });
        const result = await ask(rig, { securityToken });
        expect(result.code).toBe(status.UNAVAILABLE);
        for (const secret of [canary, encoded]) expect(result.details).not.toContain(secret);
      }
      expect(rig.driver.seen).toEqual([]);
      proxy.fault = () => undefined;
      expect((await ask(rig, { securityToken })).code).toBe(status.OK);
    });
  });

  it("a review that says yes without saying for which audience is a no", async () => {
    await withFaults(async (rig, proxy) => {
      const user = { username: "system:admin", groups: ["system:masters"] };
      const yes = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        status: { authenticated: true, user },
      };
      proxy.fault = at(/\/tokenreviews$/, { type: "answer", status: 201, body: yes });
      expect((await ask(rig)).code).toBe(status.UNAUTHENTICATED);
    });
  });

  it("a review that takes the token for nobody's is a no", async () => {
    await withFaults(async (rig, proxy) => {
      const user = { username: "system:anonymous", groups: ["system:unauthenticated"] };
      const answer = { authenticated: true, user, audiences: [audience] };
      const yes = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", status: answer };
      proxy.fault = at(/\/tokenreviews$/, { type: "answer", status: 201, body: yes });
      expect((await ask(rig)).code).toBe(status.UNAUTHENTICATED);
    });
  });

  it.each([
    ["denied as well as allowed", { allowed: true, denied: true }],
    ["neither", {}],
    ["no status", undefined],
  ])("an access review that says %s is a no", async (_, answer) => {
    await withFaults(async (rig, proxy) => {
      const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", status: answer };
      proxy.fault = at(/\/subjectaccessreviews$/, { type: "answer", status: 201, body: review });
      expect((await ask(rig)).code).not.toBe(status.OK);
      expect(rig.driver.seen).toEqual([]);
    });
  });
});
