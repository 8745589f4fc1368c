import { Failure } from "../../runtime/errors/index.ts";

const newline = 0x0a;

/**
 * Cuts a byte stream into lines. What follows the last newline is dropped: it is half an event, and a watch that
 * resumes gets the whole one. Throws reason `EventTooLarge` beyond `maxBytes`.
 */
export async function* lines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      pending.push(chunk.subarray(from, at));
      size += at - from;
      if (size > maxBytes) throw tooLarge(maxBytes);
      const line = pending.length === 1 ? (pending[0] ?? chunk) : Buffer.concat(pending, size);
      pending = [];
      size = 0;
      from = at + 1;
      if (line.length > 0) yield line.toString("utf8");
    }
    if (from < chunk.length) pending.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > maxBytes) throw tooLarge(maxBytes);
  }
}

function tooLarge(maxBytes: number): Failure {
  return new Failure("transient", "EventTooLarge", `a watch event is larger than ${maxBytes} bytes`);
}
