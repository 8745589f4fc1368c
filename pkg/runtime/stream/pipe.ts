/** The pipe was closed by its reader; what is written now would never be read. */
export class PipeClosedError extends Error {
  override readonly name = "PipeClosedError";

  constructor() {
    super("the reader of this pipe has gone");
  }
}

export interface PipeOptions<T> {
  /** How much may wait for the reader, in the unit of `weigh`. */
  readonly capacity: number;
  /** Weight of one item, for example its bytes. 1 unless told. An item above the capacity passes when nothing waits. */
  weigh?(item: T): number;
}

/** Hands items from a writer to one reader; the writer waits when the reader is slow. */
export interface BoundedPipe<T> extends AsyncIterable<T> {
  /** Settles when there was room. Rejects when the reader has gone or the signal aborts. */
  write(item: T, signal?: AbortSignal): Promise<void>;
  /** No more items; the reader gets what is left, then the end. */
  end(): void;
  /** No more items; the reader gets what is left, then the error. */
  fail(error: unknown): void;
  /** The reader gives up: what waits is dropped, writers are refused. */
  close(): void;
  /** Weight of what waits for the reader. */
  readonly waiting: number;
  [Symbol.asyncIterator](): AsyncIterableIterator<T>;
}

/** A pipe that holds at most `capacity`. Read it with `for await`; leaving the loop closes it. */
export function boundedPipe<T>({ capacity, weigh = () => 1 }: PipeOptions<T>): BoundedPipe<T> {
  const items: T[] = [];
  let weight = 0;
  let closed = false;
  let end: { readonly error?: unknown } | undefined;
  let wakeReader: (() => void) | undefined;
  const writers: { readonly weight: number; admit(): void; refuse(error: unknown): void }[] = [];

  const fits = (each: number): boolean => weight === 0 || weight + each <= capacity;
  const push = (item: T, each: number): void => {
    items.push(item);
    weight += each;
    wakeReader?.();
  };
  const admit = (): void => {
    for (let next = writers[0]; next !== undefined && fits(next.weight); next = writers[0]) {
      writers.shift();
      next.admit();
    }
  };
  const close = (): void => {
    closed = true;
    items.length = 0;
    weight = 0;
    for (const writer of writers.splice(0)) writer.refuse(new PipeClosedError());
    wakeReader?.();
  };
  const finish = (with_: { readonly error?: unknown }): void => {
    end ??= with_;
    wakeReader?.();
  };

  return {
    get waiting() {
      return weight;
    },
    close,
    end: () => finish({}),
    fail: (error) => finish({ error }),
    async write(item, signal) {
      signal?.throwIfAborted();
      if (closed) throw new PipeClosedError();
      if (end !== undefined) throw new Error("written after the end of the pipe");
      const each = weigh(item);
      if (writers.length === 0 && fits(each)) {
        push(item, each);
        return;
      }
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          writers.splice(writers.indexOf(writer), 1);
          reject(signal?.reason);
          admit(); // those behind a heavy item may fit now
        };
        const writer = {
          weight: each,
          admit: () => {
            signal?.removeEventListener("abort", abort);
            push(item, each);
            resolve();
          },
          refuse: (error: unknown) => {
            signal?.removeEventListener("abort", abort);
            reject(error);
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        writers.push(writer);
      });
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          while (items.length > 0) {
            const item = items.shift() as T;
            weight -= weigh(item);
            admit();
            yield item;
          }
          if (closed) return;
          if (writers.length > 0) {
            admit();
            continue;
          }
          if (end !== undefined) {
            if ("error" in end) throw end.error;
            return;
          }
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
          wakeReader = undefined;
        }
      } finally {
        close();
      }
    },
  };
}
