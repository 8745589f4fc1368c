/** What a step wants to be known. */
export interface Outcome<T> {
  readonly value: T;
  /** One short phrase behind the title. */
  readonly note: string;
  /** Lines below it. */
  readonly lines?: readonly string[];
  /** For machines. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Something that happens to a process of the demo. */
export interface ProcessNews {
  readonly name: string;
  readonly pid: number;
  readonly state: "started" | "killed" | "ended";
}

/** How it ended. */
export type DemoResult = (
  | {
      readonly ok: true;
      readonly table: readonly (readonly string[])[];
      readonly notes: readonly string[];
      readonly data: object;
    }
  | { readonly ok: false; readonly step: string; readonly error: string }
) & {
  readonly ms: number;
  /** With --keep: how to reach what still runs, and how to end it. */
  readonly kept?: readonly string[];
};

/** Tells what the demo does: on a terminal, in a pipe, or to a machine. */
export interface Narrator {
  heading(text: string): void;
  /** Runs the work and tells its title, its time and how it went. Throws what the work throws. */
  step<T>(title: string, work: () => Promise<Outcome<T>>): Promise<T>;
  /** A line about what just happened beside the steps. */
  aside(text: string): void;
  process(news: ProcessNews): void;
  result(result: DemoResult): void;
}
