import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import type { Screen } from "../command.ts";
import { plainText } from "./plain.ts";
import { styleFor } from "./style.ts";
import { bytes } from "./units.ts";

/** How far some work is, in bytes of the volume. */
export interface Position {
  /** What is being done, when that changes on the way. A new one starts the rate anew. */
  readonly phase?: string;
  readonly doneBytes: number;
  /** Absent until it is known. */
  readonly wholeBytes?: number | undefined;
  /** Streams that broke and were taken up again. */
  readonly resumes?: number;
}

/** One line at the bottom of a terminal that tells how far the work is; nothing anywhere else. */
export interface ProgressLine extends Disposable {
  /** Cheap: draws at most ten times a second. */
  show(position: Position): void;
  /** Writes one line that stays, above the progress; its text may be anybody's. Written also where no progress is shown. */
  say(text: string): void;
}

export interface ProgressOptions {
  readonly stderr: Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False: nothing is drawn, for example because results go to the same terminal. */
  readonly wanted?: boolean;
  readonly clock?: Clock;
}

const shortestPauseMs = 100;
const barWidth = 24;
const usualColumns = 80;

/** Starts a progress line on stderr, where that is a terminal; it is gone when disposed of. */
export function progressLine({ stderr, env, wanted = true, clock = systemClock }: ProgressOptions): ProgressLine {
  const style = styleFor(stderr.isTTY === true, env);
  if (!wanted || !style.isTerminal) {
    return { show: () => {}, say: (text) => void stderr.write(`${plainText(text)}\n`), [Symbol.dispose]: () => {} };
  }
  let phase: string | undefined;
  let began = clock.monotonic();
  let beganAt = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawn = "";
  const erase = (): void => {
    if (drawn) stderr.write("\r\x1b[K");
  };
  return {
    show: (position) => {
      const now = clock.monotonic();
      const fresh = drawnAt === Number.NEGATIVE_INFINITY || position.phase !== phase;
      if (fresh) [phase, began, beganAt] = [position.phase, now, position.doneBytes];
      else if (now - drawnAt < shortestPauseMs) return;
      drawnAt = now;
      const bytesPerMs = (position.doneBytes - beganAt) / Math.max(1, now - began);
      const text = describe(position, bytesPerMs).slice(0, (stderr.columns || usualColumns) - 1);
      drawn = style.dim(text);
      stderr.write(`\r\x1b[K${drawn}`);
    },
    say: (text) => {
      erase();
      stderr.write(`${plainText(text)}\n${drawn}`);
    },
    [Symbol.dispose]: () => {
      erase();
      drawn = "";
    },
  };
}

/** "ranges   42 % ██████████              107 MiB of 256 MiB   53 MiB/s   3 s left   taken up 2 times" */
function describe({ phase, doneBytes, wholeBytes, resumes = 0 }: Position, bytesPerMs: number): string {
  const share = wholeBytes ? Math.min(1, doneBytes / wholeBytes) : undefined;
  const filled = Math.round((share ?? 0) * barWidth);
  const parts = [
    ...(share === undefined
      ? []
      : [`${String(Math.floor(share * 100)).padStart(3)} % ${"█".repeat(filled)}${"░".repeat(barWidth - filled)}`]),
    `${bytes(doneBytes)}${wholeBytes ? ` of ${bytes(wholeBytes)}` : ""}`,
    `${bytes(bytesPerMs * 1000)}/s`,
    ...(wholeBytes && bytesPerMs > 0 ? [`${timeOf((wholeBytes - doneBytes) / bytesPerMs)} left`] : []),
    ...(resumes > 0 ? [`taken up ${resumes === 1 ? "once" : `${resumes} times`}`] : []),
  ];
  return `${phase ? `${phase} ` : ""}${parts.join("   ")}`;
}

/** "3 s", "2 min 5 s", "4 h 10 min" */
function timeOf(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
