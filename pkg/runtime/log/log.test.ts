import { describe, expect, it } from "vitest";
import { Failure } from "../errors/index.ts";
import { createLogger, createRedaction, type LoggerOptions, serializeError, silentLogger } from "./index.ts";

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({ name: "prog", destination: { write: (line) => lines.push(line) }, ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

const CANARY = 'canary-"quoted"/7f3a=';

describe("createLogger", () => {
  it("writes one JSON object per line with the fixed fields first", () => {
    const { log, lines, last } = capture();
    log.child({ component: "server" }).info({ op: "bind", durationMs: 5 }, "content bound");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\{"level":"info","time":"\d{4}-\d\d-\d\dT[\d:.]+Z","program":"prog","component":"server",.*\}\n$/,
    );
    expect(last()).toMatchObject({ op: "bind", durationMs: 5, msg: "content bound" });
  });

  it("keeps to its level", () => {
    const { log, lines } = capture({ level: "debug" });
    log.trace("no");
    log.debug("yes");
    expect(lines).toHaveLength(1);
  });

  it("writes for people", () => {
    const { log, lines } = capture({ format: "text" });
    log.warn({ name: "snap-1", why: "two words", n: 3 }, "not\nready");
    expect(lines[0]).toMatch(/^\S+Z WARN {2}not ready name=snap-1 why="two words" n=3\n$/);
  });

  it("writes bigint, bytes, sets, maps and dates as plain data", () => {
    const { log, last } = capture();
    log.info({
      offset: 2n ** 63n,
      bytes: new Uint8Array(5),
      set: new Set([1]),
      map: new Map([["a", 1n]]),
      date: new Date(0),
      bad: new Date(Number.NaN),
    });
    expect(last()).toMatchObject({
      offset: "9223372036854775808",
      bytes: "<5 bytes>",
      set: [1],
      map: { a: "1" },
      date: "1970-01-01T00:00:00.000Z",
      bad: "Invalid Date",
    });
  });

  it("writes no more than the class of an instance: calls, sockets and requests hold what must stay inside", () => {
    class ServerCall {
      readonly headers = { "x-custom": CANARY };
      toJSON(): object {
        return this.headers;
      }
    }
    const { log, last } = capture();
    log.info({
      call: new ServerCall(),
      deep: [{ call: new ServerCall() }],
      bare: Object.assign(Object.create(null), { a: 1 }),
    });
    expect(last()).toMatchObject({ call: "<ServerCall>", deep: [{ call: "<ServerCall>" }], bare: { a: 1 } });
  });

  it("survives what refers to itself", () => {
    const { log, last } = capture();
    const ring: Record<string, unknown> = { n: 1 };
    ring["self"] = ring;
    log.info({ ring }, "round");
    expect(last()).toMatchObject({ msg: "round", ring: { n: 1 } });
  });
});

describe("errors in the log", () => {
  it("keep type, message, code, reason, kind, causes and frames", () => {
    const cause = Object.assign(new Error("connect refused"), { code: "ECONNREFUSED" });
    const { log, last } = capture();
    log.error({ err: new Failure("waiting", "DriverMissing", "driver is away", { cause }) }, "failed");
    expect(last()["err"]).toMatchObject({
      type: "Failure",
      message: "driver is away",
      kind: "waiting",
      reason: "DriverMissing",
      cause: { type: "Error", message: "connect refused", code: "ECONNREFUSED" },
    });
    expect((last()["err"] as { stack: string }).stack).toMatch(/^at /);
  });

  it.each<[string, (error: Error) => object | Error]>([
    ["as err", (err) => ({ err })],
    ["under another name", (problem) => ({ problem })],
    ["alone", (error) => error],
    ["deep inside", (error) => ({ outcome: { tries: [{ error }] } })],
    ["as a cause", (cause) => ({ err: new Error("outer", { cause }) })],
    ["among several", (error) => ({ err: new AggregateError([error], "all failed") })],
  ])("never hold requests, headers or metadata: %s", (_, wrap) => {
    const error = Object.assign(new Error("call failed"), {
      request: { path: "/api", headers: { "x-custom": CANARY } },
      response: { body: CANARY },
      metadata: { internalRepr: new Map([["x-custom", [CANARY]]]) },
      config: { data: CANARY },
    });
    const { log, lines } = capture();
    log.error(wrap(error) as object, "failed");
    expect(lines.join()).toContain("failed");
    expect(lines.join()).not.toContain("7f3a");
  });

  it("may be anything that was thrown", () => {
    expect(serializeError("text")).toEqual({ type: "string", message: "text" });
    expect(serializeError({ token: CANARY })).toEqual({ type: "object", message: "not an error" });
    expect(serializeError(undefined)).toEqual({ type: "undefined", message: "undefined" });
  });

  it("end although causes go round", () => {
    const error = new Error("a");
    error.cause = error;
    expect(JSON.stringify(serializeError(error)).length).toBeLessThan(10_000);
  });
});

describe("redaction", () => {
  it.each([
    "token",
    "security_token",
    "securityToken",
    "accessToken",
    "Authorization",
    "password",
    "db-password",
    "secret",
    "clientSecret",
    "secrets",
    "private_key",
    "privateKey",
    "api-key",
    "credentials",
    "set-cookie",
  ])("hides the field %s, in fields, bindings and below", (field) => {
    const { log, lines } = capture();
    log.info({ [field]: CANARY }, "flat");
    log.info({ a: { b: [{ [field]: { inner: CANARY } }] } }, "deep");
    log.child({ [field]: CANARY }).info("bound");
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain("7f3a");
    expect(lines.every((line) => line.includes("[redacted]"))).toBe(true);
  });

  it.each(["secretName", "tokenAudience", "name", "snapshotter-secret-name", "continueAt"])(
    "shows the field %s",
    (field) => {
      const { log, last } = capture();
      log.info({ [field]: "visible" });
      expect(last()[field]).toBe("visible");
    },
  );

  it("shows that a token was there, and that it was empty", () => {
    const { log, last } = capture();
    log.info({ hasToken: true, token: "" });
    expect(last()).toMatchObject({ hasToken: true, token: "" });
  });

  it("hides further fields that the wire contract marks", () => {
    const { log, lines } = capture({ redaction: createRedaction(new Set(["publish_context", "node.stage"])) });
    log.info({ publish_context: { k: CANARY }, publishContext: CANARY, "node.stage": CANARY }, "call");
    expect(lines.join()).not.toContain("7f3a");
  });

  it.each<[string, (secret: string) => string]>([
    ["as it is", (secret) => secret],
    ["in base64", (secret) => Buffer.from(secret).toString("base64")],
    ["in base64url", (secret) => Buffer.from(secret).toString("base64url")],
    ["in a URL", (secret) => encodeURIComponent(secret)],
    ["in JSON", (secret) => JSON.stringify({ secret })],
  ])("hides a registered value wherever it stands: %s", (_, form) => {
    const redaction = createRedaction();
    const { log, lines } = capture({ redaction });
    redaction.register(CANARY);
    log.info({ note: `before ${form(CANARY)} after`, [`key ${form(CANARY)}`]: 1 }, `message ${form(CANARY)}`);
    log.child({ note: form(CANARY) }).error({ err: new Error(`in an error ${form(CANARY)}`) });
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toContain("[redacted]");
      expect(line).not.toContain(form(CANARY));
      expect(line).not.toContain("7f3a");
      expect(() => JSON.parse(line)).not.toThrow();
    }
  });

  it.each([
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
    "Authorization: Bearer c2lnbmF0dXJl.canary",
    '{"headers":{"authorization":"bearer c2lnbmF0dXJl"}}',
  ])("hides what looks like a token although nobody registered it: %s", (text) => {
    const { log, lines } = capture();
    log.error({ err: new Error(`refused: ${text} (401)`) }, text);
    expect(lines.join()).not.toMatch(/c2lnbmF0|canary/);
    expect(lines.join()).toContain("(401)");
  });

  it("leaves other words alone", () => {
    expect(createRedaction().text("the bearer of news, eyJ, a.b.c")).toBe("the bearer of news, eyJ, a.b.c");
  });

  it("forgets a value when the last registration is gone", () => {
    const redaction = createRedaction();
    const first = redaction.register("secret-value");
    const second = redaction.register("secret-value");
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(redaction.text("a secret-value b")).toBe("a [redacted] b");
    second[Symbol.dispose]();
    expect(redaction.text("a secret-value b")).toBe("a secret-value b");
  });

  it("does not hide what is too short to be a secret", () => {
    const redaction = createRedaction();
    redaction.register("");
    redaction.register("abc");
    expect(redaction.text("abcdef")).toBe("abcdef");
  });

  it("writes no line that it can not check", () => {
    expect(createRedaction().line('{"token": "abc')).not.toContain("abc");
  });
});

it("silentLogger says nothing", () => expect(silentLogger().isLevelEnabled("fatal")).toBe(false));
