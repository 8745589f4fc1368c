/** Parts of a measurement that need a process of their own, so that their work is not counted as somebody else's. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { messageOf } from "../../../pkg/runtime/errors/index.ts";

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

/** A worker process, which does one job after another. */
export class Worker implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts the file, which must call {@link answerJobs}. */
  static start(file: URL): Worker {
    return new Worker(fork(file, { stdio: ["ignore", "inherit", "inherit", "ipc"] }));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has a job done. Rejects with what the worker failed with. */
  async ask<T>(job: unknown): Promise<T> {
    const gone = new AbortController();
    const exited = once(this.#child, "exit", { signal: gone.signal }).then(() => {
      throw new Error("a worker of the bench has ended");
    });
    exited.catch(() => undefined);
    try {
      const answered = once(this.#child, "message", { signal: gone.signal });
      answered.catch(() => undefined);
      this.#child.send(job as object);
      const [answer] = (await Promise.race([answered, exited])) as [Answer];
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value as T;
    } finally {
      gone.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

/** In a worker: does each job it is sent, until the process that started it goes. */
export function answerJobs<J>(work: (job: J) => Promise<unknown>): void {
  process.on("message", (job: J) => {
    work(job).then(
      (value) => process.send?.({ value } satisfies Answer),
      (thrown: unknown) => process.send?.({ error: messageOf(thrown) } satisfies Answer),
    );
  });
  process.once("disconnect", () => process.exit());
}
