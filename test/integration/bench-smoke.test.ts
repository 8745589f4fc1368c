import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const bench = resolve(import.meta.dirname, "../bench/main.ts");
const { PEERS_DIR: _peers, ...env } = process.env;

interface Row {
  readonly [column: string]: unknown;
}

/** Whether the column holds a figure above nothing in each row. */
const measured = (rows: readonly Row[], column: string): boolean =>
  rows.length > 0 && rows.every((row) => typeof row[column] === "number" && row[column] > 0);

describe("the bench", () => {
  it("measures all its parts", { timeout: 180_000 }, async () => {
    const { stdout } = await run(process.execPath, [bench, "--tiny", "--json"], { env });
    const { machine, startup, cbt, kube } = JSON.parse(stdout) as Record<string, Record<string, never>>;
    expect(machine).toMatchObject({ node: process.version });
    const starts = startup?.["rows"] ?? ([] as Row[]);
    expect(measured(starts, "startMs")).toBe(true);
    const ofSidecar = (starts as Row[]).filter((row) => row["program"] === "csi-snapshot-metadata");
    expect(ofSidecar.map((row) => row["form"])).toEqual(["bundle", "bundle, compile cache", "from .ts"]);
    expect(measured(ofSidecar, "idleBytes")).toBe(true);
    const streams: Row[] = cbt?.["streams"] ?? [];
    expect(new Set(streams.map((row) => row["path"]))).toEqual(
      new Set(["without sidecar", "sidecar, off", "sidecar, strict", "decoding proxy"]),
    );
    expect(measured(streams, "tuplesPerSecond")).toBe(true);
    const ours = streams.filter((row) => row["path"] === "sidecar, strict");
    expect(measured(ours, "peakBytes")).toBe(true);
    expect(measured(cbt?.["calls"] ?? [], "callsPerSecond")).toBe(true);
    expect(measured(cbt?.["stalled"] ?? [], "peakBytes")).toBe(true);
    expect(measured(cbt?.["floods"] ?? [], "reviewed")).toBe(true);
    const clients: Row[] = kube?.["rows"] ?? [];
    expect(clients.map((row) => row["connections"])).toHaveLength(3);
    expect(measured(clients, "msPerRequest")).toBe(true);
  });

  it("refuses what it can not measure", async () => {
    const refused = await run(process.execPath, [bench, "coffee"], { env }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no coffee to measure") });
  });

  it("does not pass over a folder of peers without the peer", { timeout: 60_000 }, async () => {
    const folder = import.meta.dirname;
    const failed = run(process.execPath, [bench, "cbt", "--tiny"], { env: { ...env, PEERS_DIR: folder } });
    await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("csi-snapshot-metadata") });
  });
});
