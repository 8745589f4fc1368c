import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { erased } from "./normalise.ts";
import type { Recording, Transcript } from "./transcript.ts";

const folder = join(import.meta.dirname, "..", "golden");

interface GoldenFile {
  readonly serverVersion: string;
  /** What the transcript does not hold; see normalise.ts. */
  readonly erased: readonly string[];
  readonly cases: Readonly<Record<string, Transcript>>;
}

/** The recording of the real server that is kept beside the suite, one file per feature. */
export async function readGolden(): Promise<Recording> {
  const cases: Record<string, Transcript> = {};
  let serverVersion = "none";
  for (const name of await readdir(folder).catch(() => [])) {
    const file = JSON.parse(await readFile(join(folder, name), "utf8")) as GoldenFile;
    serverVersion = file.serverVersion;
    Object.assign(cases, file.cases);
  }
  return { serverVersion, cases };
}

/** Replaces the golden files by a recording of the whole suite. */
export async function writeGolden(recording: Recording): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const features = Map.groupBy(Object.entries(recording.cases), ([title]) => title.slice(0, title.indexOf(":")));
  for (const [feature, entries] of features) {
    const file: GoldenFile = {
      serverVersion: recording.serverVersion,
      erased,
      cases: Object.fromEntries(entries),
    };
    await writeFile(join(folder, `${feature.replaceAll(" ", "-")}.json`), `${JSON.stringify(file, undefined, 1)}\n`);
  }
}
