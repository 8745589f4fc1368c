import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Failure } from "../../runtime/errors/index.ts";
import { codeName, goCodeName } from "./codes.ts";
import { classifyGrpc, DriverFailure, fromDriver } from "./driver-failure.ts";

describe("classifyGrpc", () => {
  it.each([
    ["CANCELLED", "Canceled", "transient", false],
    ["UNKNOWN", "Unknown", "transient", true],
    ["INVALID_ARGUMENT", "InvalidArgument", "terminal", true],
    ["DEADLINE_EXCEEDED", "DeadlineExceeded", "transient", false],
    ["NOT_FOUND", "NotFound", "terminal", true],
    ["ALREADY_EXISTS", "AlreadyExists", "terminal", true],
    ["PERMISSION_DENIED", "PermissionDenied", "terminal", true],
    ["RESOURCE_EXHAUSTED", "ResourceExhausted", "transient", false],
    ["FAILED_PRECONDITION", "FailedPrecondition", "terminal", true],
    ["ABORTED", "Aborted", "waiting", false],
    ["OUT_OF_RANGE", "OutOfRange", "terminal", true],
    ["UNIMPLEMENTED", "Unimplemented", "terminal", true],
    ["INTERNAL", "Internal", "transient", true],
    ["UNAVAILABLE", "Unavailable", "transient", false],
    ["DATA_LOSS", "DataLoss", "transient", true],
    ["UNAUTHENTICATED", "Unauthenticated", "terminal", true],
  ] as const)("%s", (name, goName, kind, final) => {
    expect(classifyGrpc(status[name])).toEqual({ name, goName, kind, final });
  });

  it("names every code of gRPC", () => {
    const codes = Object.values(status).filter((each) => typeof each === "number");
    expect(codes).toHaveLength(17);
    for (const code of codes) expect(status[codeName(code)]).toBe(code);
  });

  it("keeps a code that is not in the table apart", () => {
    expect(goCodeName(99)).toBe("Code(99)");
    expect(classifyGrpc(99)).toMatchObject({ name: "UNKNOWN", final: true });
  });
});

describe("fromDriver", () => {
  const method = "/csi.v1.Controller/CreateVolume";

  it("keeps code and details, and says which call it was", () => {
    const failure = fromDriver(
      Object.assign(new Error("5 NOT_FOUND: x"), { code: 5, details: "no such pool" }),
      method,
    );
    expect(failure).toBeInstanceOf(DriverFailure);
    expect(failure).toMatchObject({ code: 5, final: true, details: "no such pool", reason: "DriverNotFound" });
    expect(failure.message).toBe(`driver call ${method} failed: NOT_FOUND: no such pool`);
  });

  it("removes secrets from the driver's words", () => {
    const details = `login of admin with p@ss/word failed (cEBzcy93b3Jk, p%40ss%2Fword)`;
    const failure = fromDriver({ code: 16, details }, method, ["p@ss/word", ""]);
    expect(failure.message).toContain("login of admin with [secret removed] failed");
    expect(failure.message).not.toMatch(/p@ss|cEBz|p%40/);
  });

  it("drops the driver's metadata", () => {
    const failure = fromDriver({ code: 13, details: "x", metadata: { "x-token": "abc" } }, method);
    expect(JSON.stringify({ ...failure })).not.toContain("abc");
    expect(failure.cause).toBeUndefined();
  });

  it("does not wrap a failure twice", () => {
    const failure = new Failure("terminal", "X", "x");
    expect(fromDriver(failure, method)).toBe(failure);
  });

  it("takes what is not a gRPC error for undecided", () => {
    const failure = fromDriver(new Error("socket of hunter2 broke"), method, ["hunter2"]);
    expect(failure).toMatchObject({ kind: "transient", reason: "DriverCallFailed" });
    expect(failure.message).toBe(`${method}: socket of [secret removed] broke`);
  });
});
