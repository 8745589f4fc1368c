import { expect, it } from "vitest";
import { formatListenAddress, parseListenAddress } from "./index.ts";

it.each([
  [":8080", { port: 8080 }],
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["[::]:1", { host: "::", port: 1 }],
  ["[::1]:65535", { host: "::1", port: 65_535 }],
  ["localhost:80", { host: "localhost", port: 80 }],
])("%s", (text, expected) => {
  expect(parseListenAddress(text)).toEqual(expected);
  expect(formatListenAddress(expected)).toBe(text);
});

it.each(["", "8080", ":", ":x", ":http", ":65536", "::1:80", "a:b:1", "http://a:1", ":-1", ":1 ", "[::1]"])(
  "refuses %j",
  (text) => expect(() => parseListenAddress(text)).toThrow('expected host:port or :port, as in ":8080"'),
);
