export interface LineRules {
  /** How many run at once; 0: no limit, and no line. */
  readonly atOnce: number;
  /** How many may wait, of all peers together. */
  readonly waiting: number;
  /** What those are told for whom there is no room. */
  readonly full: () => Error;
}

/** Runs work in turn; rejects with the signal's reason, or with `full`. */
export type Line = <T>(peer: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

interface Waiter {
  readonly go: () => void;
  readonly turnAway: (reason: unknown) => void;
}

/**
 * A waiting line in which peers take turns: one that brings a thousand waits for its own thousand, and another that
 * brings one is next. When the line is full, whoever has most in it loses its newest.
 */
export function fairLine({ atOnce, waiting, full }: LineRules): Line {
  /** Waiters by peer, in the order of their turns. */
  const queues = new Map<string, Set<Waiter>>();
  let running = 0;
  let length = 0;

  const leave = (peer: string, waiter: Waiter): void => {
    const queue = queues.get(peer);
    if (!queue?.delete(waiter)) return;
    length -= 1;
    if (queue.size === 0) queues.delete(peer);
  };
  const next = (): void => {
    const [peer, queue] = queues.entries().next().value ?? [];
    const [waiter] = queue ?? [];
    if (peer === undefined || queue === undefined || waiter === undefined) return;
    queues.delete(peer);
    queues.set(peer, queue);
    leave(peer, waiter);
    running += 1;
    waiter.go();
  };
  /** Makes room for one more of this peer, at the cost of the greediest. */
  const makeRoom = (peer: string): void => {
    let [greediest, most] = [peer, (queues.get(peer)?.size ?? 0) + 1];
    for (const [each, queue] of queues) if (queue.size > most) [greediest, most] = [each, queue.size];
    const newest = greediest === peer ? undefined : [...(queues.get(greediest) ?? [])].at(-1);
    if (newest === undefined) throw full();
    leave(greediest, newest);
    newest.turnAway(full());
  };
  const turn = async (peer: string, signal: AbortSignal): Promise<void> => {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (length >= waiting) makeRoom(peer);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { go: resolve, turnAway: reject };
    const abort = (): void => {
      leave(peer, waiter);
      reject(signal.reason);
    };
    const queue = queues.get(peer) ?? new Set();
    queues.set(peer, queue.add(waiter));
    length += 1;
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };

  if (atOnce <= 0) return (_peer, _signal, work) => work();
  return async (peer, signal, work) => {
    signal.throwIfAborted();
    await turn(peer, signal);
    try {
      return await work();
    } finally {
      running -= 1;
      next();
    }
  };
}
