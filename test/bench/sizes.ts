/** How much is measured. Every number is a count unless its name says otherwise. */
export interface Sizes {
  readonly startup: {
    /** Starts of each program in each form that count, after those that do not. */
    readonly starts: number;
    readonly warmUps: number;
    /** Of these, how many are left alone until their memory is read. */
    readonly idles: number;
    readonly idleMs: number;
  };
  readonly cbt: {
    /** How many tuples are sent by all streams of a run together, and how many runs count. */
    readonly amounts: readonly {
      readonly tuples: number;
      readonly rounds: number;
      /** Only to see that a long stream costs no more memory than a short one. */
      readonly oursOnly?: boolean;
    }[];
    readonly perMessage: readonly number[];
    readonly streams: readonly number[];
    /** Callers that stop reading. */
    readonly stalled: { readonly streams: number; readonly tuplesEach: number; readonly perMessage: number };
    /** Calls with random tokens, and how long a valid caller is watched without them. */
    readonly flood: { readonly tokens: number; readonly atOnce: number; readonly aloneMs: number };
    readonly callRounds: number;
    readonly callsMs: number;
    readonly callers: number;
    readonly firstMessages: number;
  };
  readonly kube: { readonly rounds: number; readonly requests: number; readonly parallel: number };
}

/** What `make bench` measures. */
export const fullSizes: Sizes = {
  startup: { starts: 5, warmUps: 1, idles: 3, idleMs: 3000 },
  cbt: {
    amounts: [
      { tuples: 4_000_000, rounds: 5 },
      { tuples: 16_000_000, rounds: 2 },
      { tuples: 64_000_000, rounds: 1, oursOnly: true },
    ],
    perMessage: [256, 16_384],
    streams: [1, 8],
    stalled: { streams: 200, tuplesEach: 1_000_000, perMessage: 256 },
    flood: { tokens: 10_000, atOnce: 64, aloneMs: 3000 },
    callRounds: 3,
    callsMs: 2000,
    callers: 16,
    firstMessages: 30,
  },
  kube: { rounds: 5, requests: 2000, parallel: 16 },
};

/** Enough to see that everything still works; the figures mean nothing. */
export const tinySizes: Sizes = {
  startup: { starts: 1, warmUps: 0, idles: 1, idleMs: 50 },
  cbt: {
    amounts: [{ tuples: 20_000, rounds: 1 }],
    perMessage: [256],
    streams: [1, 2],
    stalled: { streams: 3, tuplesEach: 200_000, perMessage: 256 },
    flood: { tokens: 20, atOnce: 4, aloneMs: 100 },
    callRounds: 1,
    callsMs: 200,
    callers: 2,
    firstMessages: 2,
  },
  kube: { rounds: 1, requests: 20, parallel: 4 },
};
