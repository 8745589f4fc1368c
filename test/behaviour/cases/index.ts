import type { Case } from "../suite/case.ts";
import { conflict } from "./conflict.ts";
import { deletion, ownership } from "./deletion.ts";
import { list } from "./list.ts";
import { name } from "./name.ts";
import { patch } from "./patch.ts";
import { selector } from "./selector.ts";
import { expiry, watch } from "./watch.ts";

/** Every case of the suite. */
export const cases: readonly Case[] = [
  ...conflict,
  ...name,
  ...deletion,
  ...ownership,
  ...watch,
  ...expiry,
  ...list,
  ...selector,
  ...patch,
];
