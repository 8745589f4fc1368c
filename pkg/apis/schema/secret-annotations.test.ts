import { describe, expect, it } from "vitest";
import { readSecretAnnotations, secretAnnotations } from "./secret-annotations.ts";

const keys = secretAnnotations("example.com/deletion-secret");

describe("readSecretAnnotations", () => {
  it.each([
    ["neither", {}, undefined],
    ["both", { [keys.name]: "a", [keys.namespace]: "b" }, { name: "a", namespace: "b" }],
  ])("%s", (_, annotations, expected) => {
    expect(readSecretAnnotations({ metadata: { annotations } }, keys)).toEqual(expected);
  });

  it.each([
    ["only a name", { [keys.name]: "a" }],
    ["only a namespace", { [keys.namespace]: "b" }],
    ["an empty name", { [keys.name]: "", [keys.namespace]: "b" }],
  ])("%s is an error", (_, annotations) => {
    expect(() => readSecretAnnotations({ metadata: { annotations } }, keys)).toThrow(
      "annotations example.com/deletion-secret-name and example.com/deletion-secret-namespace must both be set",
    );
  });
});
