/**
 * Writes deploy/crds from the definitions in pkg/apis. The output depends on nothing else, so that two runs agree.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { crds } from "../pkg/apis/index.ts";
import { type Crd, manifestOf } from "../pkg/apis/schema/index.ts";

const banner = "# Written by hack/generate-crds.ts from pkg/apis; changes belong there.\n";

/** File name to text of every manifest. */
export function crdFiles(kinds: readonly Crd[] = crds): Map<string, string> {
  return new Map(kinds.map((each) => [`${each.group}_${each.plural}.yaml`, banner + yamlOf(manifestOf(each))]));
}

/** Sorted keys and no folding: a change shows where it was made, and nowhere else. */
export function yamlOf(value: unknown): string {
  return stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}

/** Makes the folder hold exactly these YAML files; others, left by kinds that went away, are removed. */
export function writeFolder(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (name.endsWith(".yaml") && !files.has(name)) rmSync(join(folder, name));
  }
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
}

if (import.meta.main) {
  const folder = resolve(import.meta.dirname, "../deploy/crds");
  const files = crdFiles();
  writeFolder(folder, files);
  console.log(`deploy/crds: ${files.size} manifests`);
}
