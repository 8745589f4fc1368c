import { expect, it } from "vitest";
import { renderCodesPage } from "./codes-page.ts";

it("what is looked at before a request is decoded stands before what is found in it", () => {
  const rows = renderCodesPage()
    .split("\n")
    .filter((line) => line.startsWith("| "));
  const at = (text: string) => rows.findIndex((row) => row.includes(text));
  const order = [
    "--max-unauthenticated-calls-per-peer",
    "within 10 seconds",
    "can not be decoded",
    "is empty",
    "token",
  ];
  const places = order.map(at);
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

it("tells what no check of ours answers: a request that is too large, and a driver that is lost", () => {
  const page = renderCodesPage();
  expect(page).toMatch(/^\| .*64 KiB.* \| RESOURCE_EXHAUSTED \|/m);
  expect(page).toMatch(/^\| .*driver.*lost.* \| UNAVAILABLE \|/m);
});
