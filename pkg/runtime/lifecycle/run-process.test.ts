import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { defineFailpoints } from "../failpoints/index.ts";
import { boolean, defineOptions, integer, text } from "../options/index.ts";
import { aborted } from "../timing/index.ts";
import type { AnyComponent, Env } from "./component.ts";
import { type ProcessLike, type Program, runProcess } from "./run-process.ts";

/** A process that is only pretended: what it wrote, and a way to send it signals. */
class FakeProcess extends EventEmitter implements ProcessLike {
  readonly argv: string[];
  readonly env: Record<string, string>;
  readonly pid = 4711;
  readonly killed: unknown[] = [];
  out = "";
  err = "";
  readonly stdout = {
    columns: 80,
    write: (written: string): void => {
      this.out += written;
    },
  };
  readonly stderr = {
    write: (written: string): void => {
      this.err += written;
    },
  };

  constructor(argv: string[] = [], env: Record<string, string> = {}) {
    super();
    this.argv = ["node", "main.ts", ...argv];
    this.env = env;
  }

  kill(pid: number, signal: "SIGKILL"): void {
    this.killed.push([pid, signal]);
  }

  get messages(): string[] {
    return this.err
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  }
}

type Run = (signal: AbortSignal, env: Env) => Promise<void>;

const options = defineOptions({
  port: integer("port", 50051, "Port to listen on", { env: "PORT" }),
  elect: boolean("leader-election", false, "Elect a leader"),
}).check((o, problem) => {
  if (o.port <= 0) problem("port", "must be above 0");
});

function component(run: Run, parts: Partial<AnyComponent> = {}): AnyComponent {
  return {
    name: "server",
    summary: "Serves",
    options,
    rbac: [],
    build: async (_options, env) => ({ run: (signal) => run(signal, env) }),
    ...parts,
  };
}

const program = (...components: AnyComponent[]): Program => ({
  name: "prog",
  version: "v1.2.3",
  summary: "Does things",
  components,
});

const idle = component((signal) => aborted(signal));
const failing = (message: string): AnyComponent => component(() => Promise.reject(new Error(message)));

async function started(target: FakeProcess, message = "running"): Promise<void> {
  while (!target.messages.includes(message)) await new Promise((resolve) => setImmediate(resolve));
}

const announcing = (then: Run): AnyComponent =>
  component((signal, env) => {
    env.log.info("running");
    return then(signal, env);
  });

describe("command line", () => {
  it.each<[string, string[], number, { out?: RegExp; err?: RegExp }]>([
    [
      "--help",
      ["--help"],
      0,
      { out: /^Usage: prog \[flags\]\n\nDoes things\n\nserver: Serves:\n {2}--port integer\n/ },
    ],
    ["--version", ["--version"], 0, { out: /^prog v1\.2\.3\n$/ }],
    ["-version=true", ["-version=true"], 0, { out: /^prog v1\.2\.3\n$/ }],
    ["--list-failpoints", ["--list-failpoints"], 0, { out: /^after-x\n$/ }],
    ["a question beside a refused value", ["--version", "--port=0"], 0, { out: /^prog v1\.2\.3\n$/ }],
    ["a question beside an unreadable value", ["--version", "--port=x"], 2, { err: /^prog: --port: invalid/ }],
    [
      "unknown flag",
      ["--prot=1"],
      2,
      { err: /^prog: unknown flag --prot \(did you mean --port\?\)\nRun "prog --help" / },
    ],
    ["unreadable value", ["--port=x"], 2, { err: /^prog: --port: invalid integer "x"\n/ }],
    ["refused value", ["--port=0"], 1, { err: /^prog: --port: must be above 0\n/ }],
    ["negative bound", ["--shutdown-timeout=-1s"], 1, { err: /--shutdown-timeout: must not be negative/ }],
    ["unreadable format", ["--logging-format=xml"], 2, { err: /expected one of json, text/ }],
  ])("%s", async (_, argv, code, { out = /^$/, err = /^$/ }) => {
    const target = new FakeProcess(argv);
    const points = defineFailpoints(["after-x"]);
    const never = component(() => Promise.reject(new Error("must not run")), { failpoints: points });
    expect(await runProcess(target, program(never))).toBe(code);
    expect(target.out).toMatch(out);
    expect(target.err).toMatch(err);
  });

  it("gives each component its own options", async () => {
    const target = new FakeProcess(["--port=7", "--name", "x"], { PORT: "9" });
    const seen: unknown[] = [];
    const build = async (given: unknown) => {
      seen.push(given);
      return { run: async () => undefined };
    };
    const other = defineOptions({
      name: text("name", "", "Name"),
      port: integer("port", 50051, "Port", { env: "PORT" }),
    });
    await runProcess(
      target,
      program(
        component(async () => undefined, { build }),
        component(async () => undefined, { build, options: other }),
      ),
    );
    expect(seen).toEqual([
      { port: 7, elect: false },
      { name: "x", port: 7 },
    ]);
  });

  it("refuses two components that mean different things by one flag", async () => {
    const target = new FakeProcess();
    const other = component(async () => undefined, { options: defineOptions({ port: text("port", "", "Port") }) });
    expect(await runProcess(target, program(idle, other))).toBe(1);
    expect(target.err).toContain("flag --port is defined twice, differently");
  });

  it.each([
    [[], "info"],
    [["-v=3"], "info"],
    [["-v", "4"], "debug"],
    [["--v=5"], "trace"],
  ])("%j logs from %s", async (argv, level) => {
    let seen = "";
    const looking = component(async (_, env) => {
      seen = env.log.level;
    });
    await runProcess(new FakeProcess(argv), program(looking));
    expect(seen).toBe(level);
  });

  it("logs as text when asked, to standard error only", async () => {
    const target = new FakeProcess(["--logging-format=text", "--logtostderr=false"]);
    await runProcess(target, program(announcing(async () => undefined)));
    expect(target.err).toMatch(/Z INFO {2}running component=server\n/);
    expect(target.out).toBe("");
  });
});

describe("end", () => {
  it("is 0 when all components have ended", async () => {
    const target = new FakeProcess();
    expect(await runProcess(target, program(component(async () => undefined)))).toBe(0);
    expect(target.messages).toEqual(["starting", "stopped"]);
    expect(target.eventNames()).toEqual([]);
  });

  it("is 1 when a component can not be built; the others never run", async () => {
    const target = new FakeProcess();
    let ran = false;
    const first = component(async () => {
      ran = true;
    });
    const broken = component(async () => undefined, {
      name: "broken",
      build: () => Promise.reject(new Error("no socket")),
    });
    expect(await runProcess(target, program(first, broken))).toBe(1);
    expect(ran).toBe(false);
    expect(target.err).toMatch(/"component":"broken","err":\{"type":"Error","message":"no socket"/);
  });

  it("is 1 when a component fails, after the others have stopped", async () => {
    const target = new FakeProcess();
    let stopped = false;
    const other = component(async (signal) => {
      await aborted(signal);
      stopped = true;
    });
    expect(await runProcess(target, program(other, failing("lost the lease")))).toBe(1);
    expect(stopped).toBe(true);
    expect(target.err).toContain("lost the lease");
  });

  it("is 1 within the bound when the others do not stop after a failure", async () => {
    const target = new FakeProcess(["--shutdown-timeout=10ms"]);
    const stuck = component(() => new Promise(() => undefined));
    expect(await runProcess(target, program(stuck, failing("first")))).toBe(1);
    expect(target.messages).toContain("work under way did not end in time");
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])("is 0 after %s and a drain", async (signal) => {
    const target = new FakeProcess();
    const running = runProcess(target, program(announcing((stop) => aborted(stop))));
    await started(target);
    target.emit(signal, signal);
    expect(await running).toBe(0);
    expect(target.messages).toEqual(["starting", "running", "stopping", "stopped"]);
    expect(target.eventNames()).toEqual([]);
  });

  it("is 1 when the drain takes longer than its bound", async () => {
    const target = new FakeProcess(["--shutdown-timeout=10ms"]);
    const running = runProcess(target, program(announcing(() => new Promise(() => undefined))));
    await started(target);
    target.emit("SIGTERM", "SIGTERM");
    expect(await running).toBe(1);
  });

  it("is 1 at once on a second signal", async () => {
    const target = new FakeProcess();
    const running = runProcess(target, program(announcing(() => new Promise(() => undefined))));
    await started(target);
    target.emit("SIGINT", "SIGINT");
    target.emit("SIGINT", "SIGINT");
    expect(await running).toBe(1);
    expect(target.messages).toContain("stopping at once");
  });

  it.each(["unhandledRejection", "uncaughtException"])("is 1 after an %s, which is logged", async (event) => {
    const target = new FakeProcess();
    const running = runProcess(target, program(announcing((stop) => aborted(stop))));
    await started(target);
    target.emit(event, Object.assign(new Error("nobody cared"), { headers: "canary" }));
    expect(await running).toBe(1);
    expect(target.err).toContain("nobody cared");
    expect(target.err).not.toContain("canary");
    expect(target.err).toContain('"program":"prog"');
  });

  it("is 0 when stopped while a component was being built", async () => {
    const target = new FakeProcess();
    const slow = component(async () => undefined, {
      build: async (_, env) => {
        env.log.info("running");
        await aborted(env.signal);
        throw new Error("connection cancelled");
      },
    });
    let later = false;
    const next = component(async () => undefined, {
      build: async () => {
        later = true;
        return { run: async () => undefined };
      },
    });
    const running = runProcess(target, program(slow, next));
    await started(target);
    target.emit("SIGTERM", "SIGTERM");
    expect(await running).toBe(0);
    expect(later).toBe(false);
  });

  it("comes after what was shared is closed, and that after the components", async () => {
    const target = new FakeProcess();
    const seen: string[] = [];
    const sharing = component(async (_, env) => {
      await env.share("server", async () => ({ [Symbol.asyncDispose]: async () => void seen.push("closed") }));
      seen.push("ended");
    });
    await runProcess(target, program(sharing));
    expect(seen).toEqual(["ended", "closed"]);
  });
});

it("tells the failure of a component also when what it shared can not be closed", async () => {
  const target = new FakeProcess();
  const both = component(async (_, env) => {
    await env.share("server", async () => ({
      [Symbol.asyncDispose]: () => Promise.reject(new Error("port is stuck")),
    }));
    throw new Error("lost the socket");
  });
  expect(await runProcess(target, program(both))).toBe(1);
  expect(target.err).toMatch(/lost the socket[\s\S]*port is stuck/);
});

describe("environment of components", () => {
  it("hides secrets that were registered, and fields that the contract marks", async () => {
    const target = new FakeProcess();
    const careless = component(async (_, env) => {
      env.redaction.register("hunter2-canary");
      env.log.info({ note: "hunter2-canary", volume_key: "other-canary" }, "careless hunter2-canary");
    });
    await runProcess(target, { ...program(careless), secretFields: new Set(["volume_key"]) });
    expect(target.err).toContain("careless");
    expect(target.err).not.toContain("canary");
  });

  it("arms failpoints from the one variable", async () => {
    const points = defineFailpoints(["after-x"]);
    const target = new FakeProcess([], { CSI_DATA_PROTECTION_FAILPOINTS: "after-x=error" });
    const hit = component(async (_, env) => void (await points.arm(env.failpoints)("after-x")), { failpoints: points });
    expect(await runProcess(target, program(hit))).toBe(1);
    expect(target.err).toContain("failpoint after-x was hit");
  });

  it("refuses an unknown failpoint", async () => {
    const target = new FakeProcess([], { CSI_DATA_PROTECTION_FAILPOINTS: "nowhere" });
    expect(await runProcess(target, program(idle))).toBe(1);
    expect(target.err).toContain('unknown failpoint "nowhere"');
  });
});
