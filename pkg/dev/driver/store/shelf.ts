import { mkdir, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../../runtime/errors/index.ts";
import { publishFile, replaceFile, syncFolder } from "./durable-file.ts";
import type { DriverFailpoint, ShelfNoun, ShelfStep } from "./failpoints.ts";
import type { AnyRecord } from "./records.ts";

/** Writes and reads one kind of record. */
export interface RecordFormat<R extends AnyRecord> {
  decode(json: unknown): R;
  encode(record: R): unknown;
}

export interface ShelfDeps<R extends AnyRecord> {
  readonly folder: string;
  readonly noun: ShelfNoun;
  readonly format: RecordFormat<R>;
  /** Reached at each numbered step; a test kills the process there. */
  readonly failpoint: DriverFailpoint;
  /** Makes what changed in the folder durable; the file system's own way unless told. */
  readonly syncFolder?: ((folder: string) => Promise<void>) | undefined;
}

/** What a restart found half-done and removed. */
export interface Recovery {
  readonly removed: readonly string[];
}

/**
 * Records with one data file each, in one folder: `<id>.json` and `<id>.img`. The record is the truth. It appears
 * after its data is complete and goes before its data goes, so that after a crash at any moment a data file without a
 * record is rubbish, and a record without a data file can not be.
 */
export class Shelf<R extends AnyRecord> {
  readonly #deps: ShelfDeps<R>;
  readonly #sync: (folder: string) => Promise<void>;
  readonly #byId = new Map<string, R>();
  readonly #byName = new Map<string, R>();
  #lastOrder = 0;

  private constructor(deps: ShelfDeps<R>) {
    this.#deps = deps;
    this.#sync = deps.syncFolder ?? syncFolder;
  }

  /** Reads the folder and removes what a crash left half-done. */
  static async open<R extends AnyRecord>(deps: ShelfDeps<R>): Promise<Shelf<R> & { readonly recovery: Recovery }> {
    const shelf = new Shelf(deps);
    await mkdir(deps.folder, { recursive: true, mode: 0o700 });
    for (const file of await readdir(deps.folder)) {
      if (file.endsWith(".json")) shelf.#remember(await shelf.#read(file));
    }
    const recovery = { removed: await shelf.#reconcile() };
    return Object.assign(shelf, { recovery });
  }

  get(id: string): R | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): R | undefined {
    return this.#byName.get(name);
  }

  /** All records, oldest first. */
  all(): R[] {
    return [...this.#byId.values()].sort((a, b) => a.order - b.order);
  }

  /** Path of the data file. */
  dataPath(id: string): string {
    return join(this.#deps.folder, `${id}.img`);
  }

  /** Larger than the order of every record there was; close to microseconds since the epoch. */
  nextOrder(nowMs: number): number {
    this.#lastOrder = Math.max(this.#lastOrder + 1, nowMs * 1000);
    return this.#lastOrder;
  }

  /** Makes the data with `fill`, which writes and syncs the file it is given, then the record. */
  async add(record: R, fill: (path: string) => Promise<void>): Promise<void> {
    const data = this.dataPath(record.id);
    const temporary = `${data}.tmp`;
    try {
      await this.#step("add.begun");
      await fill(temporary);
      await this.#step("add.filled");
      await publishFile(temporary, data, this.#sync);
      await this.#step("add.published");
      await this.#write(record);
    } catch (thrown) {
      // What can be cleaned now is; what can not is removed at the next start, as no record owns it.
      await rm(temporary, { force: true }).catch(() => {});
      if (!this.#byId.has(record.id)) await this.#takeBack(record.id).catch(() => {});
      throw thrown;
    }
    await this.#step("add.recorded");
  }

  /** Replaces a record whose data has already been changed. */
  async update(record: R): Promise<void> {
    await this.#step("update.begun");
    await this.#write(record);
    await this.#step("update.recorded");
  }

  async remove(id: string): Promise<void> {
    const record = this.#byId.get(id);
    if (record === undefined) return;
    await this.#step("remove.begun");
    await rm(this.#recordPath(id), { force: true });
    await this.#sync(this.#deps.folder);
    this.#byId.delete(id);
    this.#byName.delete(record.name);
    await this.#step("remove.forgotten");
    await rm(this.dataPath(id), { force: true });
    await this.#step("remove.done");
  }

  /** The record first, as it may have its name already: data goes only once no record owns it. */
  async #takeBack(id: string): Promise<void> {
    await rm(`${this.#recordPath(id)}.tmp`, { force: true });
    await rm(this.#recordPath(id), { force: true });
    await this.#sync(this.#deps.folder);
    await rm(this.dataPath(id), { force: true });
  }

  #recordPath(id: string): string {
    return join(this.#deps.folder, `${id}.json`);
  }

  async #write(record: R): Promise<void> {
    const text = `${JSON.stringify(this.#deps.format.encode(record))}\n`;
    await replaceFile(this.#recordPath(record.id), text, {
      staged: () => this.#step("record.staged"),
      sync: this.#sync,
    });
    this.#remember(record);
  }

  #remember(record: R): void {
    this.#byId.set(record.id, record);
    this.#byName.set(record.name, record);
    this.#lastOrder = Math.max(this.#lastOrder, record.order);
  }

  async #read(file: string): Promise<R> {
    const path = join(this.#deps.folder, file);
    try {
      return this.#deps.format.decode(JSON.parse(await readFile(path, "utf8")));
    } catch (thrown) {
      throw new Failure(
        "terminal",
        "DamagedRecord",
        `${path} is not a ${this.#deps.noun} record; restore or remove it`,
        {
          cause: thrown,
        },
      );
    }
  }

  async #reconcile(): Promise<string[]> {
    const removed: string[] = [];
    for (const file of await readdir(this.#deps.folder)) {
      const orphan = file.endsWith(".tmp") || (file.endsWith(".img") && !this.#byId.has(file.slice(0, -".img".length)));
      if (!orphan) continue;
      await rm(join(this.#deps.folder, file), { force: true });
      removed.push(file);
    }
    for (const record of this.#byId.values()) await this.#trim(record);
    return removed;
  }

  /** An expansion that was cut off before its record leaves the data longer than the volume. */
  async #trim(record: R): Promise<void> {
    const path = this.dataPath(record.id);
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found !== undefined && found.size > record.sizeBytes) await truncate(path, Number(record.sizeBytes));
  }

  async #step(name: ShelfStep): Promise<void> {
    await this.#deps.failpoint(`dev-driver.${this.#deps.noun}.${name}`);
  }
}
