import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { pages } from "./generate-docs.ts";
import { rbacFiles } from "./generate-rbac.ts";

const flags = pages().get("flags.md") ?? "";
const headings = (mark: string): string[] =>
  flags
    .split("\n")
    .filter((line) => line.startsWith(`${mark} `))
    .map((line) => line.slice(mark.length + 1));

it("the page of flags has every program of cmd/, with rows under each of its groups", () => {
  const folders = readdirSync(resolve(import.meta.dirname, "../cmd"), { withFileTypes: true });
  const names = folders.filter((each) => each.isDirectory()).map((each) => each.name);
  expect(headings("##").toSorted()).toEqual(names.toSorted());
  expect(headings("###")).toContain("kubectl-protect: cbt rebuild");
  expect(flags.match(/^### .+\n\n\| Flag .*\n\|[-|]+\n\| `--/gm)).toHaveLength(headings("###").length);
});

it("the page of metrics has the programs that measure something of their own", () => {
  expect(
    pages()
      .get("metrics.md")
      ?.match(/^## .*$/gm),
  ).toEqual(["## csi-snapshot-metadata"]);
});

it("rights are given to the programs that are installed in a cluster, and to no other", () => {
  expect([...rbacFiles().keys()]).toEqual(["csi-snapshot-metadata.yaml", "csi-snapshot-metadata-announcement.yaml"]);
});
