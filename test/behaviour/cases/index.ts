import type { Case } from "../suite/case.ts";
import { authorization, review } from "./authorization.ts";
import { binding, builtin } from "./builtin.ts";
import { conflict } from "./conflict.ts";
import { definition } from "./definition.ts";
import { deletion, ownership } from "./deletion.ts";
import { discovery } from "./discovery.ts";
import { list } from "./list.ts";
import { name } from "./name.ts";
import { namespace } from "./namespace.ts";
import { patch } from "./patch.ts";
import { product } from "./product.ts";
import { rule } from "./rule.ts";
import { schema } from "./schema.ts";
import { selector } from "./selector.ts";
import { statusAndGeneration } from "./status.ts";
import { table_ } from "./table.ts";
import { expiredToken, token } from "./token.ts";
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
  ...authorization,
  ...review,
  ...token,
  ...expiredToken,
  ...table_,
  ...discovery,
  ...namespace,
  ...definition,
  ...builtin,
  ...binding,
  ...product,
];
