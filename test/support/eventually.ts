import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../pkg/runtime/errors/index.ts";

/** Tries until it neither throws nor rejects, and gives its result; tells the last reason when it never does. */
export async function eventually<T>(what: string, attempt: () => T | Promise<T>, withinMs = 20_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (thrown) {
      if (Date.now() > end)
        throw new Error(`${what}: not within ${withinMs} ms: ${messageOf(thrown)}`, { cause: thrown });
    }
    await sleep(20);
  }
}
