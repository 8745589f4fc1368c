import { describe, expect, it } from "vitest";
import { boolean, choice, duration, integer, list, number, text } from "./builders.ts";
import { type ParseRules, parseCommandLine } from "./command-line.ts";
import { defineOptions } from "./options.ts";

const options = defineOptions({
  address: text("csi-address", "/run/csi/socket", "Socket"),
  cert: text("tls-cert", "", "Certificate", { env: "TLS_CERT_PATH" }),
  token: integer("pin", 0, "Secret number", { secret: true }),
  timeout: duration("timeout", "1m", "Deadline"),
  port: integer("port", 50051, "Port", { short: "p", env: "PORT" }),
  qps: number("kube-api-qps", 5, "Rate"),
  elect: boolean("leader-election", false, "Elect"),
  format: choice("format", "json", ["json", "text"], "Format"),
  gates: list("feature-gates", [], "Gates"),
}).check((o, problem) => {
  if (o.port <= 0) problem("port", `must be above 0, not ${o.port}`);
});

function parse(argv: readonly string[], env: Record<string, string> = {}, rules?: ParseRules) {
  return parseCommandLine([options], argv, env, rules);
}

function values(argv: readonly string[], env?: Record<string, string>) {
  const parsed = parse(argv, env);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.values[0];
}

function problems(argv: readonly string[], env?: Record<string, string>): readonly string[] {
  const parsed = parse(argv, env);
  return parsed.ok ? [] : parsed.problems;
}

const defaults = values([]);

describe("parseCommandLine", () => {
  it("gives the defaults", () => {
    expect(defaults).toEqual({
      address: "/run/csi/socket",
      cert: "",
      token: 0,
      timeout: 60_000,
      port: 50051,
      qps: 5,
      elect: false,
      format: "json",
      gates: [],
    });
  });

  it.each<[string, string[], object]>([
    ["one dash, next argument", ["-csi-address", "/a"], { address: "/a" }],
    ["two dashes, next argument", ["--csi-address", "/a"], { address: "/a" }],
    ["one dash, equals", ["-csi-address=/a"], { address: "/a" }],
    ["two dashes, equals", ["--csi-address=/a"], { address: "/a" }],
    ["equals in the value", ["--csi-address=a=b"], { address: "a=b" }],
    ["empty value", ["--csi-address="], { address: "" }],
    ["a value that looks like a flag is a value, as in Go", ["--csi-address", "--port"], { address: "--port" }],
    ["a value with line breaks", ["--csi-address=a\nb"], { address: "a\nb" }],
    ["negative number", ["--pin", "-5"], { token: -5 }],
    ["hexadecimal", ["--port=0x1F"], { port: 31 }],
    ["duration", ["--timeout=1m30s"], { timeout: 90_000 }],
    ["switch", ["--leader-election"], { elect: true }],
    ["switch off", ["--leader-election", "--leader-election=false"], { elect: false }],
    ["switch never takes the next argument", ["--leader-election", "-port=1"], { elect: true, port: 1 }],
    ["last one wins", ["--port=1", "--port=2"], { port: 2 }],
    ["one-letter name", ["-p", "7"], { port: 7 }],
    ["choice", ["--format", "text"], { format: "text" }],
    ["list", ["--feature-gates=A=true, B=false,"], { gates: ["A=true", "B=false"] }],
    ["repeated list", ["--feature-gates=a", "--feature-gates=b"], { gates: ["a", "b"] }],
    ["nothing after the end of flags", ["--port=1", "--"], { port: 1 }],
  ])("%s", (_, argv, expected) => expect(values(argv)).toEqual({ ...defaults, ...expected }));

  it.each<[string, string[], string[]]>([
    ["unknown flag, near", ["--csi-adress=/a"], ["unknown flag --csi-adress (did you mean --csi-address?)"]],
    ["underscores for dashes", ["--csi_address=/a"], ["unknown flag --csi_address (did you mean --csi-address?)"]],
    ["unknown flag, far", ["--what"], ["unknown flag --what"]],
    ["value of an unknown flag is not reported too", ["--what", "now", "--port=1"], ["unknown flag --what"]],
    [
      "object members are no flags",
      ["--constructor", "--__proto__"],
      ["unknown flag --constructor", "unknown flag --__proto__"],
    ],
    ["missing value", ["--port"], ["--port: needs a value"]],
    ["word", ["word"], ['unexpected argument "word"']],
    ["word after the end of flags", ["--", "--port"], ['unexpected argument "--port"']],
    ["single dash", ["-"], ['unexpected argument "-"']],
    [
      "value of a switch as a word",
      ["--leader-election", "false"],
      ['unexpected argument "false" (to set a switch, write --leader-election=false)'],
    ],
    ["three dashes", ["---port=1"], ["bad flag syntax: ---port=…"]],
    ["no name", ["--=1"], ["bad flag syntax: --=…"]],
    [
      "bad boolean",
      ["--leader-election=maybe"],
      ['--leader-election: invalid boolean "maybe" (expected true or false)'],
    ],
    ["empty boolean", ["--leader-election="], ['--leader-election: invalid boolean "" (expected true or false)']],
    ["bad choice", ["--format=xml"], ['--format: invalid value "xml" (expected one of json, text)']],
    ["secret values are not repeated", ["--pin=hunter2"], ["--pin: invalid value"]],
    ["check", ["--port=0"], ["--port: must be above 0, not 0"]],
  ])("%s is refused", (_, argv, expected) => expect(problems(argv)).toEqual(expected));

  it("reports everything at once", () => {
    expect(problems(["--prot=1", "--timeout=5", "--format=xml", "--port=-1", "word"])).toEqual([
      "unknown flag --prot (did you mean --port?)",
      'unexpected argument "word"',
      '--timeout: missing unit in duration "5" (ns, us, ms, s, m or h, as in "1m30s")',
      '--format: invalid value "xml" (expected one of json, text)',
      "--port: must be above 0, not -1",
    ]);
  });

  it("reports what a check refuses beside what can not be read", () => {
    expect(problems(["--timeout=5x", "--port=-1"])).toEqual([
      expect.stringMatching(/^--timeout: unknown unit/),
      "--port: must be above 0, not -1",
    ]);
  });

  it("does not check the default of what can not be read", () => {
    const set = defineOptions({ port: integer("port", 0, "Port") }).check((o, problem) => {
      if (o.port <= 0) problem("port", "must be above 0");
    });
    expect(parseCommandLine([set], ["--port=x"], {})).toMatchObject({ problems: ['--port: invalid integer "x"'] });
  });

  it("ends with 2 when the line can not be read, with 1 when a check refuses a value", () => {
    expect(parse(["--nope"])).toMatchObject({ ok: false, exitCode: 2 });
    expect(parse(["--port=x"])).toMatchObject({ ok: false, exitCode: 2 });
    expect(parse(["--port=0"])).toMatchObject({ ok: false, exitCode: 1 });
  });

  describe("environment", () => {
    it.each<[string, string[], Record<string, string>, object]>([
      ["gives the default", [], { TLS_CERT_PATH: "/c" }, { cert: "/c" }],
      ["yields to the flag", ["--tls-cert=/f"], { TLS_CERT_PATH: "/c" }, { cert: "/f" }],
      ["yields to an empty flag", ["--tls-cert="], { TLS_CERT_PATH: "/c" }, { cert: "" }],
      ["counts as not set when empty", [], { PORT: "" }, { port: 50051 }],
    ])("%s", (_, argv, env, expected) => expect(values(argv, env)).toEqual({ ...defaults, ...expected }));

    it("is named when its value is wrong", () => {
      expect(problems([], { PORT: "many" })).toEqual(['environment variable PORT (--port): invalid integer "many"']);
    });
  });

  describe("help", () => {
    it.each([[["-h"]], [["--help"]], [["-help"]], [["--nope", "--help"]]])("%j", (argv) =>
      expect(parse(argv)).toMatchObject({ ok: false, help: true, exitCode: 0 }),
    );
    it("is a value where a value stands", () => expect(values(["--csi-address", "--help"]).address).toBe("--help"));
  });

  describe("positional words", () => {
    const rules = { positional: { name: "snapshot", min: 1, max: 2 } };
    it.each<[string, string[], ParseRules, readonly string[]]>([
      ["end the flags, as in Go", ["--port=1", "a", "--port=2"], rules, ["a", "--port=2"]],
      ["may stand between flags", ["a", "--port=2", "b"], { ...rules, interspersed: true }, ["a", "b"]],
      ["may look like flags after --", ["--", "--port"], rules, ["--port"]],
    ])("%s", (_, argv, given, expected) =>
      expect(parse(argv, {}, given)).toMatchObject({ ok: true, positional: expected }),
    );
    it("are counted", () => {
      expect(parse([], {}, rules)).toMatchObject({ problems: ["missing argument: snapshot"] });
      expect(parse(["a", "b", "c"], {}, rules)).toMatchObject({ problems: ['unexpected argument "c"'] });
    });
  });

  describe("several sets", () => {
    const other = (fallback: number) =>
      defineOptions({ listen: integer("port", fallback, "The same", { short: "p", env: "PORT" }) });
    it("share a flag that means the same", () => {
      const parsed = parseCommandLine([options, other(50051)], ["--port=9"], {});
      expect(parsed).toMatchObject({ ok: true, values: [{ port: 9 }, { listen: 9 }] });
    });
    it("may not define it differently", () => {
      expect(() => parseCommandLine([options, other(1)], [], {})).toThrow("flag --port is defined twice, differently");
    });
    it("report a shared problem once", () => {
      const parsed = parseCommandLine([options, options], ["--port=0"], {});
      expect(parsed).toMatchObject({ problems: ["--port: must be above 0, not 0"] });
    });
    it("are checked while another is wrong", () => {
      const wrong = defineOptions({ rate: integer("rate", 1, "Rate") });
      const parsed = parseCommandLine([options, wrong], ["--port=0", "--rate=x"], {});
      expect(parsed).toMatchObject({ problems: ['--rate: invalid integer "x"', "--port: must be above 0, not 0"] });
    });
  });

  it("knows which flags were given", () => {
    const parsed = parse(["-p", "1", "--leader-election"]);
    expect(parsed.ok && [...parsed.given]).toEqual(["port", "leader-election"]);
  });
});
