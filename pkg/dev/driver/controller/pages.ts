import { Refusal } from "../rpc/refusal.ts";

/** One page of a list. */
export interface Page<R> {
  readonly items: readonly R[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

/**
 * Cuts one page out of records in ascending `order`. The token is the order of the last record sent, so that records
 * which come or go between two pages neither repeat others nor hide them. A token that no page ever gave is ABORTED.
 */
export function pageOf<R extends { readonly order: number }>(
  records: readonly R[],
  maxEntries: number,
  startingToken: string,
): Page<R> {
  if (maxEntries < 0) throw new Refusal("INVALID_ARGUMENT", `max_entries ${maxEntries} is negative`);
  const after = startingToken === "" ? 0 : orderOf(startingToken);
  const rest = records.filter((each) => each.order > after);
  const items = maxEntries === 0 ? rest : rest.slice(0, maxEntries);
  const last = items.at(-1);
  return { items, nextToken: last !== undefined && items.length < rest.length ? `after-${last.order}` : "" };
}

function orderOf(token: string): number {
  const order = Number(/^after-(\d{1,16})$/.exec(token)?.[1]);
  if (Number.isSafeInteger(order) && order > 0) return order;
  throw new Refusal(
    "ABORTED",
    `starting_token ${JSON.stringify(token)} is not one of this driver's; list from the start`,
  );
}
