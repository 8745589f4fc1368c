import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as breathe } from "node:timers/promises";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import { blockBytes, volumeBytes } from "../world.ts";

/** What the database adds up to; equal sums on both sides mean equal rows. */
export interface Sums {
  readonly rows: number;
  readonly balance: number;
  readonly changes: number;
}

const noteBytes = 380;
const runRows = 100;
const changedShare = 0.02;

/**
 * Puts an empty database on a device. SQLite takes an empty file for a new database, but a device is never empty, and
 * one full of zeros is "not a database": so its first page is made elsewhere and written to the device, as mkfs does.
 */
export function formatDevice(devicePath: string, folder: string): void {
  const path = join(folder, "empty.db");
  const empty = new DatabaseSync(path);
  empty.exec(`PRAGMA page_size=${blockBytes}; PRAGMA auto_vacuum=NONE; CREATE TABLE t(x); DROP TABLE t; VACUUM`);
  empty.close();
  const device = openSync(devicePath, "r+");
  writeSync(device, readFileSync(path), 0, undefined, 0);
  closeSync(device);
  rmSync(path);
}

/**
 * Opens the database that lies directly on the device. The journal is kept in memory, since a device has no file
 * beside it: a snapshot is whole when it is cut between two transactions. The device never shrinks (nothing is
 * vacuumed) and never grows (max_page_count).
 */
export function openDatabase(devicePath: string, readOnly = false): DatabaseSync {
  const database = new DatabaseSync(devicePath, { readOnly });
  if (!readOnly) {
    database.exec(
      `PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL; PRAGMA max_page_count=${volumeBytes / blockBytes}`,
    );
  }
  return database;
}

/** Writes the rows in one transaction. */
export async function fill(database: DatabaseSync, rows: number, signal: AbortSignal): Promise<void> {
  database.exec(
    "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, changes INTEGER NOT NULL, note TEXT NOT NULL)",
  );
  const insert = database.prepare("INSERT INTO accounts VALUES(?, ?, 0, ?)");
  const random = generator(1);
  database.exec("BEGIN");
  for (let id = 1; id <= rows; id += 1) {
    const word = random().toString(36);
    insert.run(id, random() % 100_000, word.repeat(Math.ceil(noteBytes / word.length)).slice(0, noteBytes));
    if (id % 20_000 !== 0) continue;
    await breathe();
    signal.throwIfAborted();
  }
  database.exec("COMMIT");
}

/** Changes two percent of the rows, in runs of neighbours as a day's business does. Returns how many. */
export function change(database: DatabaseSync, rows: number): number {
  const random = generator(2);
  const runs = Math.max(1, Math.round((rows * changedShare) / runRows));
  const places = new Set<number>();
  while (places.size < runs) places.add(random() % Math.floor(rows / runRows));
  const update = database.prepare(
    "UPDATE accounts SET balance = balance + ?, changes = changes + 1 WHERE id > ? AND id <= ?",
  );
  database.exec("BEGIN");
  let changed = 0;
  for (const place of places)
    changed += Number(update.run(1 + (random() % 500), place * runRows, (place + 1) * runRows).changes);
  database.exec("COMMIT");
  return changed;
}

/** Adds everything up. */
export function sumsOf(database: DatabaseSync): Sums {
  const row = database
    .prepare("SELECT count(*) AS n, sum(balance) AS balance, sum(changes) AS changes FROM accounts")
    .get();
  return { rows: Number(row?.["n"]), balance: Number(row?.["balance"]), changes: Number(row?.["changes"]) };
}

/** PRAGMA integrity_check, and the sums. Throws when the database is damaged. */
export function examine(imagePath: string): Sums {
  const database = openDatabase(imagePath, true);
  try {
    const verdict = database.prepare("PRAGMA integrity_check").get()?.["integrity_check"];
    if (verdict !== "ok")
      throw new Failure("terminal", "DatabaseDamaged", `${imagePath}: integrity_check: ${String(verdict)}`);
    return sumsOf(database);
  } finally {
    database.close();
  }
}

/** A small generator of the same numbers every time (Park and Miller). */
function generator(seed: number): () => number {
  let state = seed * 7919 + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state;
  };
}
