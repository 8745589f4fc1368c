import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { Failure } from "../runtime/errors/index.ts";
import { defineOptions, text } from "../runtime/options/index.ts";
import type { AnyVerb, Verb } from "./command.ts";
import { verbs } from "./index.ts";
import { runCli } from "./run.ts";

const greet: Verb<{ readonly name: string }> = {
  words: "greet person",
  summary: "Greet a person.",
  examples: ["it greet person --name=you"],
  options: defineOptions({ name: text("name", "", "Whom") }).check(({ name }, problem) => {
    if (name === "") problem("name", "is required");
  }),
  failpoints: ["greeted"],
  run: async ({ name }, io) => {
    if (name === "nobody") throw new Failure("terminal", "Nobody", "there is nobody");
    if (name === "evil") throw new Failure("terminal", "Evil", "\x1b]0;owned\x07\u009b2J\r\nit: all is well");
    io.stdout.write(`hello ${name}\n`);
    await io.failpoint("greeted");
  },
};

async function run(all: readonly AnyVerb[], argv: readonly string[], env: Record<string, string> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let kills = 0;
  const stopping = new AbortController();
  const kill = (): void => {
    kills += 1;
    stopping.abort(new Error("killed"));
  };
  const io = { stdout, stderr, env, signal: stopping.signal, version: "v1" };
  // A killed verb never settles.
  const killed = new Promise<number>((resolve) => stopping.signal.addEventListener("abort", () => resolve(137)));
  const code = await Promise.race([killed, runCli({ program: "it", verbs: all, argv, kill }, io)]);
  const read = (stream: PassThrough): string => String(stream.read() ?? "");
  return { code, stdout: read(stdout), stderr: read(stderr), kills };
}

describe("runCli", () => {
  it("runs a verb, and leaves stderr empty", async () => {
    const done = await run([greet], ["greet", "person", "-name", "you"]);
    expect(done).toEqual({ code: 0, stdout: "hello you\n", stderr: "", kills: 0 });
  });

  it.each<[string, string[], number, string]>([
    ["a failure", ["greet", "person", "--name=nobody"], 1, "it greet person: there is nobody\n"],
    [
      "a failure that a server words",
      ["greet", "person", "--name=evil"],
      1,
      "it greet person: �]0;owned��2J��it: all is well\n",
    ],
    ["an unknown flag", ["greet", "person", "--nmae=you"], 2, "it greet person: unknown flag --nmae"],
    ["a check that refuses", ["greet", "person"], 1, "it greet person: --name: is required\n"],
    ["a word too many", ["greet", "person", "--name=you", "now\x1b"], 2, 'unexpected argument "now�"'],
    ["an unknown command", ["greet", "dog\x1b"], 1, 'it: unknown command "greet dog�"'],
    ["nothing at all", [], 1, "Usage: it <command> [flags]"],
  ])("%s: exit code and words on stderr, nothing on stdout", async (_, argv, code, words) => {
    const done = await run([greet], argv);
    expect(done).toMatchObject({ code, stdout: "" });
    expect(done.stderr).toContain(words);
  });

  it("half a command is no unknown one: its verbs are shown", async () => {
    const done = await run([greet], ["greet"]);
    expect(done).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^Usage: it <command> \[flags\]/),
    });
    expect(done.stderr).toContain("greet person");
  });

  it.each<[string, string[], "stdout" | "stderr", string]>([
    ["the overview", ["--help"], "stdout", "greet person  Greet a person."],
    ["a group", ["greet", "--help"], "stdout", "greet person  Greet a person."],
    ["a verb", ["greet", "person", "--help"], "stdout", "it greet person --name=you"],
    ["a verb, as the original's short flag", ["greet", "person", "-h"], "stderr", "it greet person --name=you"],
    ["the version", ["--version"], "stdout", "it v1"],
  ])("%s is shown", async (_, argv, where, words) => {
    const done = await run([greet], argv);
    expect(done.code).toBe(0);
    expect(done[where]).toContain(words);
    expect(done[where === "stdout" ? "stderr" : "stdout"]).toBe("");
  });

  it("breaks at an armed point, of any verb, and refuses unknown ones", async () => {
    const name = "CSI_DATA_PROTECTION_FAILPOINTS";
    expect(await run([greet], ["greet", "person", "--name=you"], { [name]: "greeted" })).toMatchObject({
      code: 137,
      kills: 1,
    });
    const unknown = await run([greet], ["greet", "person", "--name=you"], { [name]: "left" });
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown failpoint "left"') });
  });
});

describe("the flags of the verbs", () => {
  const good = ["-n", "shop", "-s", "tuesday"];
  const devices = ["-src", "/dev/a", "-tgt", "/dev/b"];

  it.each<[string, string[], number, string]>([
    ["no snapshot", ["cbt", "list"], 1, "--snapshot: is required"],
    ["half a ServiceAccount", ["cbt", "list", ...good, "--service-account=x"], 1, "--service-account:"],
    ["a negative offset", ["cbt", "list", ...good, "--starting-offset=-1"], 1, "--starting-offset:"],
    [
      "an offset beyond int64",
      ["cbt", "list", ...good, "--starting-offset=9223372036854775808"],
      1,
      "9223372036854775807",
    ],
    ["negative results", ["cbt", "list", ...good, "--max-results=-1"], 1, "--max-results:"],
    ["an unknown format", ["cbt", "list", ...good, "-o", "yaml"], 1, "--output-format:"],
    ["no devices", ["cbt", "rebuild", ...good], 1, "--source-device-path: is required"],
    ["nothing to verify", ["cbt", "verify", ...good], 1, "--source-device-path: is required"],
    ["nothing to verify onto", ["cbt", "verify", ...good, "-src", "/dev/a"], 1, "--target-device-path: is required"],
    ["a base of nothing", ["cbt", "rebuild", ...good, ...devices, "--base-image=/x"], 1, "--base-image: needs"],
    ["a part of the ranges", ["cbt", "rebuild", ...good, ...devices, "--starting-offset=1"], 1, "must be 0"],
    ["the source as target", ["cbt", "rebuild", ...good, "-src", "/dev/a", "-tgt", "/dev/a"], 1, "is the target too"],
    ["no kubeconfig", ["cbt", "list", ...good, "--kubeconfig=/nowhere"], 1, "/nowhere"],
  ])("%s", async (_, argv, code, words) => {
    const done = await run(verbs, argv);
    expect(done).toMatchObject({ code, stdout: "" });
    expect(done.stderr).toContain(words);
  });
});
