/** More bytes or items came than were allowed. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
  readonly limit: number;

  constructor(what: string, limit: number) {
    super(`${what} is larger than the ${limit} bytes allowed`);
    this.limit = limit;
  }
}

/** All bytes of a stream in one buffer, refusing with a {@link TooLargeError} once there are more than `maxBytes`. */
export async function readLimited(chunks: AsyncIterable<Uint8Array>, maxBytes: number, what: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new TooLargeError(what, maxBytes);
    parts.push(chunk);
  }
  return Buffer.concat(parts, size);
}

/** The results of `map`, one after the other, each made when it is asked for. */
export async function* mapAsync<T, R>(items: AsyncIterable<T>, map: (item: T) => R | Promise<R>): AsyncGenerator<R> {
  for await (const item of items) yield await map(item);
}

/**
 * Calls `work` for each item, at most `workers` at a time. The first failure stops the start of further items and is
 * thrown once those under way have settled.
 */
export async function forEachLimited<T>(
  items: Iterable<T> | AsyncIterable<T>,
  workers: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const under = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;
  for await (const item of items) {
    const one = work(item).then(
      () => void under.delete(one),
      (error: unknown) => {
        under.delete(one);
        failed ??= { error };
      },
    );
    under.add(one);
    if (under.size >= workers) await Promise.race(under);
    if (failed !== undefined) break;
  }
  await Promise.all(under);
  if (failed !== undefined) throw failed.error;
}
