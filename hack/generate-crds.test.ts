import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, expect, it } from "vitest";
import { crdFiles, writeFolder } from "./generate-crds.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

it("deploy/crds is what pkg/apis says, and nothing else", () => {
  const folder = resolve(import.meta.dirname, "../deploy/crds");
  const there = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  expect(there).toEqual(crdFiles());
});

it("removes manifests of kinds that went away, and nothing that it did not write", async () => {
  const folder = await mkdtemp(join(tmpdir(), "generate-crds-"));
  folders.push(folder);
  await writeFile(join(folder, "old.yaml"), "old");
  await writeFile(join(folder, "README.md"), "kept");
  writeFolder(folder, new Map([["new.yaml", "new"]]));
  expect(readdirSync(folder).toSorted()).toEqual(["README.md", "new.yaml"]);
});
