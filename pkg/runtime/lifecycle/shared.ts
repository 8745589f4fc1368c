import type { Env } from "./component.ts";

/** The values that components of one process have in common. */
export interface Shared extends Pick<Env, "share">, AsyncDisposable {}

/** Keeps one value per key; disposes of them in the reverse order of their making. */
export function createShared(): Shared {
  const values = new Map<string, Promise<unknown>>();
  return {
    share<T>(key: string, make: () => Promise<T>): Promise<T> {
      const known = values.get(key);
      if (known !== undefined) return known as Promise<T>;
      // The call is inside the chain, so that a synchronous throw is forgotten like any other failure.
      const made = Promise.resolve().then(make);
      values.set(key, made);
      made.catch(() => values.delete(key));
      return made;
    },
    async [Symbol.asyncDispose]() {
      const made = [...values.values()].toReversed();
      values.clear();
      const errors: unknown[] = [];
      for (const value of made) {
        await value.then(dispose).catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) throw new AggregateError(errors, "shared values could not be closed");
    },
  };
}

async function dispose(value: unknown): Promise<void> {
  if (typeof value !== "object" || value === null) return;
  if (Symbol.asyncDispose in value) await (value as AsyncDisposable)[Symbol.asyncDispose]();
  else if (Symbol.dispose in value) (value as Disposable)[Symbol.dispose]();
}
