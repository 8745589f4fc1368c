import type { KubeObject } from "../../apis/schema/index.ts";
import type { Change, Informer } from "../informer/index.ts";

/** A cache whose changes lead to keys. */
export interface Source {
  run(signal: AbortSignal): Promise<void>;
  settled(signal?: AbortSignal): Promise<unknown>;
  /** Calls `add` for each key to look at; returns how to stop. */
  subscribe(add: (key: string) => void): () => void;
  /** All keys, for the periodic look at everything. */
  keys(): readonly string[];
}

/** Keys of a cache's changes; by default the changed object's own. */
export function fromInformer<T extends KubeObject>(
  informer: Informer<T>,
  keys: (change: Change<T>) => readonly string[] = ({ key }) => [key],
): Source {
  return {
    run: (signal) => informer.run(signal),
    settled: (signal) => informer.settled(signal),
    subscribe: (add) => informer.onChange((change) => keys(change).forEach(add)),
    keys: () =>
      informer.keys().flatMap((key) => {
        const object = informer.getKey(key);
        return object === undefined ? [] : [...keys({ type: "update", key, object, previous: object })];
      }),
  };
}
