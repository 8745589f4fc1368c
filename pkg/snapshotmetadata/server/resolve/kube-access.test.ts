import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { createKubeClient, loadKubeConfig } from "../../../kube/client/index.ts";
import { reply, type Script, ScriptedServer, status } from "../../../kube/testing/index.ts";
import { createLogger } from "../../../runtime/log/index.ts";
import { systemClock } from "../../../runtime/timing/index.ts";
import { Refusal } from "../refusals.ts";
import { contentLists } from "./content-lists.ts";
import { audienceFrom, kubeReviewer, listContents, liveReads, reading } from "./kube-access.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(script: Script) {
  const server = await ScriptedServer.start(script);
  cleanups.push(() => server[Symbol.asyncDispose]());
  const lines: string[] = [];
  const log = createLogger({ name: "unit", level: "trace", destination: { write: (line) => lines.push(line) } });
  const config = loadKubeConfig({ text: server.kubeconfig(), env: {} });
  const client = createKubeClient({ config, userAgent: "unit/1", log });
  cleanups.push(() => client.close());
  const lists = contentLists({ list: (signal) => listContents(client, signal), shareMs: 0, clock: systemClock });
  return { log, lines, client, reads: liveReads(client, lists, reading(log)) };
}

const refusalOf = (promise: Promise<unknown>): Promise<Refusal> =>
  promise.then(
    () => expect.unreachable("a refusal was expected"),
    (thrown) => thrown as Refusal,
  );

const value = "aHVzaC1odXNo";
const signal = new AbortController().signal;

describe("what a caller learns of a read that failed", () => {
  it.each<[string, Script]>([
    ["a Secret that breaks off", (_, response) => reply(response, 200, `{"kind":"Secret","data":{"key":"${value}`)],
    ["a page that quotes it", (_, response) => reply(response, 502, `<html>upstream sent ${value}</html>`)],
    ["a Status that quotes it", (_, response) => reply(response, 500, status(500, "InternalError", `bad ${value}`))],
  ])("is its kind and name alone: %s", async (_, script) => {
    const { reads } = await setUp(script);
    const refusal = await refusalOf(reads.secret({ name: "creds", namespace: "a" }, signal));
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal.reason).toBe("readFailed");
    expect(refusal.message).toBe("Secret creds can not be read from the API server now; try again");
  });

  it("and a Secret that breaks off is in the log neither", async () => {
    const { reads, log, lines } = await setUp((_, response) =>
      reply(response, 200, `{"kind":"Secret","data":{"key":"${value}`),
    );
    const refusal = await refusalOf(reads.secret({ name: "creds", namespace: "a" }, signal));
    log.error({ err: refusal }, "failed");
    expect(lines.join("")).toContain("without an object");
    expect(lines.join("") + inspect(refusal, { depth: 20 })).not.toContain(value);
  });
});

describe("what a caller learns of a review that failed", () => {
  it.each([401, 422, 500])("is nothing of the API server's words: %i", async (code) => {
    const { client } = await setUp((_, response) => reply(response, code, status(code, "Odd", `echo ${value}`)));
    const question = { token: "a-token-of-somebody", peer: "", audiences: ["x"] };
    const refusal = await refusalOf(kubeReviewer(client).reviewToken(question, signal));
    expect(refusal.message).toMatch(/^the API server (refuses this server's|did not answer the) token review/);
    expect(refusal.message).not.toContain(value);
  });
});

describe("the audience of the SnapshotMetadataService", () => {
  const withAudience = (audience: string) => ({
    metadata: { name: "d" },
    spec: { address: "a:1", caCert: "", audience },
  });
  const from = (cached: string | undefined, live: string | undefined) =>
    audienceFrom(() => "d", {
      find: async () => (cached === undefined ? undefined : withAudience(cached)),
      findLive: async () => (live === undefined ? undefined : withAudience(live)),
    });

  it.each([
    ["is empty", "", "", "SnapshotMetadataService d names no audience"],
    ["was emptied", undefined, "", "SnapshotMetadataService d names no audience"],
    ["is in no object", undefined, undefined, "SnapshotMetadataService d does not exist"],
  ])("that %s lets no token pass", async (_, cached, live, message) => {
    const refusal = await refusalOf(from(cached, live)(signal));
    expect(refusal).toBeInstanceOf(Refusal);
    expect([refusal.reason, refusal.message]).toEqual(["noService", message]);
  });

  it("comes from the cache, or live where the cache has none", async () => {
    expect(await from("cached", "live")(signal)).toBe("cached");
    expect(await from("", "live")(signal)).toBe("live");
    expect(await from("cached", "live")(signal, true)).toBe("live");
  });
});
