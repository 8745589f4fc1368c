import type { Writable } from "node:stream";
import { messageOf } from "../../../pkg/runtime/errors/index.ts";
import type { Narrator } from "./narrator.ts";

/** A narrator for machines: one JSON object per line, the result last. */
export function jsonNarrator(out: Writable): Narrator {
  let number = 0;
  const tell = (event: string, fields: object): void => void out.write(`${JSON.stringify({ event, ...fields })}\n`);
  return {
    heading: () => {},
    aside: (text) => tell("aside", { text }),
    process: (news) => tell("process", news),
    step: async (title, work) => {
      number += 1;
      const at = performance.now();
      const fields = () => ({ number: own, title, ms: Math.round(performance.now() - at) });
      const own = number;
      tell("step-started", { number: own, title });
      try {
        const { value, note, data = {} } = await work();
        tell("step", { ...fields(), ok: true, note, data });
        return value;
      } catch (thrown) {
        tell("step", { ...fields(), ok: false, error: messageOf(thrown) });
        throw thrown;
      }
    },
    result: (result) => tell("result", { ...result, ms: Math.round(result.ms) }),
  };
}
