import { stat } from "node:fs/promises";
import type { Clock } from "../../../runtime/timing/index.ts";
import { Refusal } from "../rpc/refusal.ts";
import { copySparse, reflink, type SparseCopy } from "./sparse-copy.ts";

/** How often a copy of a file that is being written is begun anew. */
const attempts = 5;
/** Longer than one tick of the clock that stamps files. */
const tickMs = 20;

/** Copies data files: by reflink when the file system can, otherwise by reading, keeping holes. */
export class Copier {
  readonly #clock: Clock;
  #canReflink = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a copy is one moment of its source, however long it takes. */
  protected get atomic(): boolean {
    return this.#canReflink;
  }

  /** Copies a file that nobody writes. */
  async copy(copy: SparseCopy): Promise<void> {
    if (this.#canReflink) {
      this.#canReflink = await reflink(copy);
      if (this.#canReflink) return;
    }
    await copySparse(copy);
  }

  /**
   * Copies a file that may be written meanwhile, so that the copy is one moment of it. A reflink is one moment by
   * itself; a copy by reading is one if the source's modification time stood still, and is begun anew otherwise.
   * UNAVAILABLE when the source never rests.
   */
  async copyMoment(copy: SparseCopy, discard: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const before = await this.#restingSince(copy);
      await this.copy(copy);
      if (this.atomic || (await mtime(copy.from)) === before) return;
      await discard();
      if (attempt === attempts) {
        throw new Refusal("UNAVAILABLE", `the volume was written during each of ${attempts} attempts to copy it`);
      }
    }
  }

  /** The file's modification time, read so late that a write from now on gives it another one. */
  async #restingSince(copy: SparseCopy): Promise<bigint> {
    const found = await mtime(copy.from);
    const age = this.#clock.now() - Number(found / 1_000_000n);
    if (age >= 0 && age < tickMs) await this.#clock.sleep(tickMs - age, copy.signal);
    return found;
  }
}

async function mtime(path: string): Promise<bigint> {
  return (await stat(path, { bigint: true })).mtimeNs;
}
