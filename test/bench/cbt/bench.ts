import type { Ground } from "../ground.ts";
import type { Worker } from "../measure/worker.ts";
import type { Sizes } from "../sizes.ts";
import type { Question } from "./caller.ts";
import type { Path } from "./paths.ts";

/** What the measurements of this folder share. */
export interface Bench {
  readonly ground: Ground;
  readonly sizes: Sizes["cbt"];
  readonly source: Worker;
  readonly caller: Worker;
  readonly paths: readonly Path[];
  readonly say: (line: string) => void;
}

/** What a caller needs to ask for a snapshot by this way. */
export function questionFor({ ground }: Bench, { port }: Path, snapshot: string, perMessage: number): Question {
  const { caPem, token, namespace } = ground;
  return { port, caPem, token, namespace, snapshot, perMessage };
}

/** One time around all ways first, not counted: a process that has not done it yet is not what is measured. */
export async function rounds(
  { say }: Bench,
  { what, counted, paths }: { readonly what: string; readonly counted: number; readonly paths: readonly Path[] },
  run: (path: Path, counts: boolean) => Promise<void>,
): Promise<void> {
  for (let round = 0; round <= counted; round += 1) {
    for (const path of paths) {
      say(`cbt: ${what}, ${round === 0 ? "warming up" : `round ${round}`}, ${path.name}`);
      await run(path, round > 0);
    }
  }
}
