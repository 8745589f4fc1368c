import type { Case } from "../suite/case.ts";
import { conflict } from "./conflict.ts";
import { deletion, ownership } from "./deletion.ts";
import { name } from "./name.ts";

/** Every case of the suite. */
export const cases: readonly Case[] = [...conflict, ...name, ...deletion, ...ownership];
