import { readFile } from "node:fs/promises";
import * as z from "zod";
import { Refusal } from "../rpc/refusal.ts";
import { replaceFile } from "../store/durable-file.ts";
import { type Fault, FaultPlan, type RpcName } from "./fault-plan.ts";

/**
 * The faults in force. They are kept in one JSON file, which is read again at every call, so that a person or a test
 * in another process changes them while the driver runs. A file that can not be understood fails every call, so that
 * a mistake in it is not taken for a healthy driver.
 */
export class Faults {
  readonly #path: string;
  #text = "";
  #plan: FaultPlan = {};
  readonly #used = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Replaces all faults, also those of calls counted by `times`. */
  async set(plan: FaultPlan): Promise<void> {
    const text = `${JSON.stringify(FaultPlan.parse(plan), undefined, 2)}\n`;
    await replaceFile(this.#path, text);
    this.#adopt(text);
  }

  /** The fault for this call, which counts as one use. */
  async next(rpc: RpcName): Promise<Fault | undefined> {
    const text = await readFile(this.#path, "utf8").catch(absent);
    if (text !== this.#text) this.#adopt(text);
    const key = rpc in this.#plan ? rpc : "*";
    const fault = this.#plan[key];
    if (fault?.times === undefined) return fault;
    const used = this.#used.get(key) ?? 0;
    this.#used.set(key, used + 1);
    return used < fault.times ? fault : undefined;
  }

  #adopt(text: string): void {
    this.#plan = parse(text);
    this.#text = text;
    this.#used.clear();
  }
}

function parse(text: string): FaultPlan {
  if (text.trim() === "") return {};
  try {
    return FaultPlan.parse(JSON.parse(text));
  } catch (thrown) {
    const why = thrown instanceof z.ZodError ? z.prettifyError(thrown) : "it is not JSON";
    throw new Refusal("INTERNAL", `faults.json can not be used: ${why}`);
  }
}

function absent(thrown: NodeJS.ErrnoException): string {
  if (thrown.code === "ENOENT") return "";
  throw thrown;
}
