import { describe, expect, it } from "vitest";
import { parseSocketAddress } from "./address.ts";

describe("parseSocketAddress", () => {
  it.each([
    ["/run/csi/socket", "/run/csi/socket"],
    ["unix:///run/csi/socket", "/run/csi/socket"],
    ["unix:/run/csi/socket", "/run/csi/socket"],
  ])("%s", (given, path) => {
    expect(parseSocketAddress(given)).toEqual({ path, url: `unix://${path}` });
  });

  it.each([
    ["", "absolute path"],
    ["csi.sock", "absolute path"],
    ["unix://csi.sock", "absolute path"],
    ["dns:///driver:80", "absolute path"],
    [`/${"x".repeat(200)}`, "the path has 201 bytes"],
  ])("refuses %s", (given, why) => {
    expect(() => parseSocketAddress(given)).toThrow(why);
  });
});
