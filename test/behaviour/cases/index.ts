import type { Case } from "../suite/case.ts";
import { conflict } from "./conflict.ts";
import { deletion, ownership } from "./deletion.ts";
import { list } from "./list.ts";
import { name } from "./name.ts";
import { patch } from "./patch.ts";
import { rule } from "./rule.ts";
import { schema } from "./schema.ts";
import { selector } from "./selector.ts";
import { statusAndGeneration } from "./status.ts";
import { trialAndStrictness } from "./trial.ts";
import { expiry, watch } from "./watch.ts";
import { wire } from "./wire.ts";

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
  ...schema,
  ...rule,
  ...statusAndGeneration,
  ...trialAndStrictness,
  ...wire,
];
