import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessOf } from "../support/access.ts";
import { embeddedCluster, type TestCluster } from "../support/cluster.ts";
import { Http } from "../support/http.ts";
import { notOffered } from "./not-offered.ts";

let cluster: TestCluster;
let http: Http;
let token: string;

beforeAll(async () => {
  cluster = await embeddedCluster();
  const access = accessOf(cluster.kubeconfigText);
  token = access.token;
  http = new Http(access);
  const lines = notOffered.map(({ what, status, why }) => `  - ${what}: ${status}; ${why}`);
  console.log(`Not offered by the embedded server:\n${lines.join("\n")}`);
});

afterAll(async () => {
  http.close();
  await cluster.close();
});

describe("what the embedded server does not offer it refuses clearly", () => {
  it.each(notOffered)("$what", async ({ method, path, headers, body, status, message }) => {
    const answer = await http.send({
      method,
      path,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = answer.text.startsWith("{") ? (JSON.parse(answer.text) as { message: string }).message : answer.text;
    expect({ status: answer.status, message: said.trim() }).toEqual({ status, message });
  });
});
