import type { Json, JsonObject } from "../wire/json.ts";

/** One column of a Table answer. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  /** The cell of one object; `now` is for ages. */
  cell(object: JsonObject, now: number): Json;
}
