import { expect, it } from "vitest";
import { createLogger, silentLogger } from "../log/index.ts";
import { aborted } from "../timing/index.ts";
import { type BuiltComponent, ComponentError, runComponents } from "./run-components.ts";

const log = silentLogger();

function untilStopped(name: string, seen: string[], then: () => void = () => undefined): BuiltComponent {
  return {
    name,
    runnable: {
      async run(signal) {
        seen.push(`start ${name}`);
        await aborted(signal);
        seen.push(`stop ${name}`);
        then();
      },
    },
  };
}

const failing = (name: string, error: Error): BuiltComponent => ({
  name,
  runnable: { run: () => Promise.reject(error) },
});

it("starts in order and stops in the reverse order", async () => {
  const seen: string[] = [];
  const stop = new AbortController();
  const running = runComponents([untilStopped("a", seen), untilStopped("b", seen)], { signal: stop.signal, log });
  expect(seen).toEqual(["start a", "start b"]);
  stop.abort(new Error("enough"));
  await running;
  expect(seen.slice(2)).toEqual(["stop b", "stop a"]);
});

it("stops the others at the first failure and names the component", async () => {
  const seen: string[] = [];
  const failures: ComponentError[] = [];
  const running = runComponents([untilStopped("a", seen), failing("b", new Error("lost"))], {
    signal: new AbortController().signal,
    log,
    onFailure: (failure) => failures.push(failure),
  });
  await expect(running).rejects.toMatchObject({ component: "b", cause: new Error("lost") });
  expect(seen).toEqual(["start a", "stop a"]);
  expect(failures).toHaveLength(1);
});

it("throws the first failure and logs those that follow", async () => {
  const lines: string[] = [];
  const logging = createLogger({ name: "p", destination: { write: (line) => lines.push(line) } });
  const second = untilStopped("a", [], () => {
    throw new Error("could not close");
  });
  const running = runComponents([second, failing("b", new Error("first"))], {
    signal: new AbortController().signal,
    log: logging,
  });
  await expect(running).rejects.toThrow(new ComponentError("b", new Error("first")));
  expect(lines.join()).toContain("could not close");
});

it("takes a rejection with the reason of the stop for a good end", async () => {
  const stop = new AbortController();
  const throwing: BuiltComponent = {
    name: "a",
    runnable: {
      async run(signal) {
        await aborted(signal);
        signal.throwIfAborted();
      },
    },
  };
  const running = runComponents([throwing], { signal: stop.signal, log });
  stop.abort(new Error("enough"));
  await running;
});

it("takes any other rejection after the stop for a failure", async () => {
  const stop = new AbortController();
  const throwing = untilStopped("a", [], () => {
    throw new Error("lease not released");
  });
  const running = runComponents([throwing], { signal: stop.signal, log });
  stop.abort();
  await expect(running).rejects.toMatchObject({ component: "a" });
});

it("goes on when one ends well, and ends when all have", async () => {
  const seen: string[] = [];
  const stop = new AbortController();
  const short: BuiltComponent = { name: "short", runnable: { run: async () => void seen.push("short done") } };
  const running = runComponents([short, untilStopped("long", seen)], { signal: stop.signal, log });
  await Promise.resolve();
  expect(seen).toEqual(["short done", "start long"]);
  stop.abort();
  await running;
  await runComponents([short], { signal: new AbortController().signal, log });
});
