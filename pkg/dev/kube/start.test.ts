import { Agent, request } from "node:https";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { createKubeClient } from "../../kube/client/index.ts";
import { loadKubeConfig } from "../../kube/config/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { startDevKube } from "./start.ts";
import { served } from "./testing/served.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const map = (name: string, more: object = {}) => ({ metadata: { name, ...more } });

test("serves HTTP/2 and HTTP/1.1 on one port with its own authority", async () => {
  const { kube, send } = await served();
  expect((await send("GET", "/version")).body.minor).toBe("36");
  const token = /token: (\S+)/.exec(kube.kubeconfig)?.[1];
  const agent = new Agent({ ca: kube.caPem, ALPNProtocols: ["http/1.1"] });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await new Promise<{ version: string; status: number | undefined }>((resolve, reject) => {
    const sent = request(`${kube.url}/readyz`, { agent, headers }, (response) => {
      response.resume();
      resolve({ version: response.httpVersion, status: response.statusCode });
    });
    sent.on("error", reject).end();
  });
  agent.destroy();
  expect(answer).toEqual({ version: "1.1", status: 200 });
});

test("is there on 127.0.0.1 and on no other address", async () => {
  const { kube } = await served();
  const reach = (host: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(kube.url).port), host);
      socket
        .once("connect", () => resolve("reached"))
        .once("error", (error: { code?: string }) => resolve(`${error.code}`));
      socket.once("connect", () => socket.destroy());
    });
  expect(await reach("127.0.0.1")).toBe("reached");
  // What listens on all addresses is reached here; elsewhere than on Linux this one does not exist.
  expect(await reach("127.0.0.2")).not.toBe("reached");
});

test("credentials are fresh at every start, and the key stays out of what is told about them", async () => {
  const [one, two] = [await served(), await served()];
  expect(one.kube.kubeconfig).not.toBe(two.kube.kubeconfig);
  expect(one.kube.caPem).not.toContain("PRIVATE");
  expect((await two.as(/token: (\S+)/.exec(one.kube.kubeconfig)?.[1] ?? "").send("GET", maps)).status).toBe(401);
});

test("a client certificate is enough", async () => {
  const { kube } = await served();
  const config = loadKubeConfig({ text: kube.kubeconfig, context: "dev-cluster-certificate", freshMs: 0, env: {} });
  const client = createKubeClient({ config, userAgent: "unit/1", log: silentLogger() });
  const { body } = await client.raw({
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    body: {},
  });
  await client.close();
  expect(JSON.parse(body.toString()).status.userInfo).toMatchObject({
    groups: ["system:masters", "system:authenticated"],
  });
});

test("a closed server frees its port, twice is once", async () => {
  const first = await startDevKube();
  const port = Number(new URL(first.url).port);
  await Promise.all([first.close(), first.close()]);
  const second = await startDevKube({ port });
  expect(second.url).toBe(first.url);
  await second.close();
});

test("a compacted history expires watches and pages", async () => {
  const { kube, send } = await served();
  for (const name of ["a", "b", "c"]) await send("POST", maps, map(name));
  const page = (await send("GET", `${maps}?limit=1`)).body;
  expect(page).toMatchObject({
    items: [{ metadata: { name: "a" } }],
    metadata: { remainingItemCount: expect.any(Number) },
  });
  await send("POST", maps, map("d"));
  kube.hooks.compact();
  const next = await send("GET", `${maps}?limit=1&continue=${encodeURIComponent(page.metadata.continue)}`);
  expect(next).toMatchObject({ status: 410, body: { reason: "Expired" } });
  const go = next.body.metadata.continue;
  const rest = (await send("GET", `${maps}?continue=${encodeURIComponent(go)}`)).body;
  expect(rest.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toContain("c");
});

test("pages are one moment, whatever happens in between", async () => {
  const { send } = await served();
  for (const name of ["a", "b", "c"]) await send("POST", maps, map(name, { labels: { x: "y" } }));
  const first = (await send("GET", `${maps}?limit=2&labelSelector=x%3Dy`)).body;
  await send("DELETE", `${maps}/c`);
  await send("POST", maps, map("d", { labels: { x: "y" } }));
  const token = encodeURIComponent(first.metadata.continue);
  const second = (await send("GET", `${maps}?limit=2&labelSelector=x%3Dy&continue=${token}`)).body;
  expect(second.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(["c"]);
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
});

test("an ordered error answers the chosen requests, so often and no more", async () => {
  const { kube, send } = await served();
  kube.hooks.disturb({ match: { verb: "list", resource: "configmaps" }, status: 429, retryAfter: 7, times: 2 });
  const undo = kube.hooks.disturb({ match: { verb: "create" }, status: 500, times: 100 });
  expect((await send("GET", `${maps}/none`)).status).toBe(404);
  const told = await send("GET", maps);
  expect(told).toMatchObject({ status: 429, headers: { "retry-after": "7" }, body: { reason: "TooManyRequests" } });
  expect((await send("GET", maps)).status).toBe(429);
  expect((await send("GET", maps)).status).toBe(200);
  expect((await send("POST", maps, map("a"))).status).toBe(500);
  undo();
  expect((await send("POST", maps, map("a"))).status).toBe(201);
});

test("what is not offered is refused", async () => {
  const { send } = await served();
  await send("POST", maps, map("a"));
  const apply = { "content-type": "application/apply-patch+yaml" };
  expect((await send("PATCH", `${maps}/a?fieldManager=x`, "{}", apply)).status).toBe(501);
  expect((await send("PATCH", `${maps}/a`, "{}", { "content-type": "text/plain" })).status).toBe(415);
  expect((await send("GET", "/api/v1/namespaces/default/pods/a/log")).status).toBe(501);
});
