import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DriverState } from "../../csi/index.ts";
import { startDevDriver } from "./driver.ts";
import { DriverClient, type TestFolder, testFolder, writeTo } from "./testing/harness.ts";
import { startProgram } from "./testing/program.ts";

let folder: TestFolder;
let endpoint: string;
let stateDir: string;

beforeEach(async () => {
  folder = await testFolder();
  endpoint = `unix://${join(folder.path, "csi.sock")}`;
  stateDir = join(folder.path, "state");
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe("the program", () => {
  it("announces itself, serves as its flags say, and leaves no socket after SIGTERM", async () => {
    const flags = [
      "-drivername",
      "other.example.com",
      "--snapshot-metadata-block-type=VARIABLE_LENGTH",
      "--block-size=8192",
    ];
    await using program = await startProgram(endpoint, stateDir, { flags });
    expect(program.announced).toEqual({ ready: true, endpoint, driverName: "other.example.com", stateDir });
    expect((await stat(join(folder.path, "csi.sock"))).mode & 0o777).toBe(0o600);
    await using client = new DriverClient(endpoint);
    expect((await client.connection.pluginInfo()).name).toBe("other.example.com");
    const volume = await client.createVolume("v", 1n);
    expect(volume.capacityBytes).toBe(8192n);
    await writeTo(volume, 0, Buffer.of(1));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    expect((await client.allocated({ snapshotId })).messages).toMatchObject([{ blockMetadataType: 2 }]);
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    await expect(stat(join(folder.path, "csi.sock"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each([
    [["--block-size=4097"], "expected a power of two"],
    [["--snapshot-metadata-block-type=UNKNOWN"], "FIXED_LENGTH"],
    [["--drivername="], "drivername"],
    [["--require-secret=novalue"], "name=value"],
    [["--max-volume-size=lots"], "max-volume-size"],
    [["--statedir="], "statedir"],
    [["--endpoint=relative"], "absolute path"],
  ])("refuses %s and says why", async (flags, why) => {
    await expect(startProgram(endpoint, stateDir, { flags })).rejects.toThrow(why);
  });

  it("comes back on the socket that a killed one left, and its clients find it", async () => {
    await using client = new DriverClient(endpoint);
    const states: DriverState[] = [];
    client.connection.onState((state) => states.push(state));
    await using first = await startProgram(endpoint, stateDir);
    const volume = await client.createVolume("v", 4096n);
    first.kill("SIGKILL");
    expect(await first.ended).toBe("SIGKILL");
    expect((await stat(join(folder.path, "csi.sock"))).isSocket()).toBe(true);
    await using second = await startProgram(endpoint, stateDir);
    await client.connection.waitReady();
    expect(await client.createVolume("v", 4096n)).toEqual(volume);
    expect(states).toEqual(["connecting", "ready", "lost", "ready"]);
    second.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  });

  it("never lets a stream end well that its death has cut", async () => {
    await using program = await startProgram(endpoint, stateDir);
    await using client = new DriverClient(endpoint);
    const volume = await client.createVolume("v", 1n << 20n);
    await writeTo(volume, 0, Buffer.alloc(1 << 20, 1));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    await writeFile(
      join(stateDir, "faults.json"),
      JSON.stringify({ GetMetadataAllocated: { afterMessages: 2, hang: true } }),
    );
    const reading = client.allocated({ snapshotId, maxResults: 10 });
    setImmediate(() => program.kill("SIGKILL"));
    await expect(reading).rejects.toMatchObject({ code: 14 });
  });
});

describe("the socket", () => {
  it("is not taken from a driver that serves, nor from a file that is no socket", async () => {
    await using driver = await startDevDriver({ endpoint, stateDir });
    const second = startDevDriver({ endpoint, stateDir: join(folder.path, "other") });
    await expect(second).rejects.toThrow("another process serves on");
    await using client = new DriverClient(driver.endpoint);
    expect(await client.connection.probe({ waitForReady: true })).toBe(true);
    const path = join(folder.path, "file");
    await writeFile(path, "x");
    await expect(startDevDriver({ endpoint: path, stateDir: join(folder.path, "third") })).rejects.toThrow(
      "not a socket",
    );
  });
});

describe("the state folder", () => {
  it("with a damaged record is refused by name, not repaired by guessing", async () => {
    await mkdir(join(stateDir, "volumes"), { recursive: true });
    const record = join(stateDir, "volumes", "vol-1.json");
    for (const text of ["{", '{"id":"vol-1"}', "null"]) {
      await writeFile(record, text);
      await expect(startDevDriver({ endpoint, stateDir })).rejects.toThrow(`${record} is not a volume record`);
    }
    await chmod(record, 0o600);
  });
});

describe("close", () => {
  it("ends streams that hang, with a code that invites a retry", async () => {
    const driver = await startDevDriver({ endpoint, stateDir, failPlan: { GetMetadataAllocated: { hang: true } } });
    await using client = new DriverClient(endpoint);
    await client.connection.probe({ waitForReady: true });
    const reading = client.allocated({ snapshotId: "s" });
    reading.catch(() => undefined);
    await client.connection.probe();
    await driver.close();
    await expect(reading).rejects.toMatchObject({ code: 14 });
    await driver.close();
  });
});
