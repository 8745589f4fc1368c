import type { Environment } from "@marcbachmann/cel-js";
import { parseQuantity } from "../builtin/quantity.ts";
import { goRegex } from "./go-regex.ts";

/** Adds the functions that Kubernetes gives to CEL rules, as far as rules in use need them. */
export function registerKubernetesFunctions(environment: Environment): void {
  const add = (signature: string, handler: (...args: never[]) => unknown): void => {
    environment.registerFunction(signature, handler as (...args: unknown[]) => unknown);
  };
  add("isQuantity(string): bool", (text: string) => parseQuantity(text) !== undefined);
  add("string.find(string): string", (text: string, pattern: string) => goRegex(pattern).exec(text)?.[0] ?? "");
  add("string.findAll(string): list", (text: string, pattern: string) =>
    [...text.matchAll(new RegExp(goRegex(pattern), "gu"))].map(([found]) => found),
  );
  add("list.isSorted(): bool", (list: unknown[]) => list.every((each, at) => at === 0 || below(list[at - 1], each)));
  add("list.sum(): dyn", (list: unknown[]) =>
    list.reduce((sum: unknown, each) => plus(sum, each), list.length > 0 && typeof list[0] === "number" ? 0 : 0n),
  );
  add("list.min(): dyn", (list: unknown[]) => extreme(list, (a, b) => below(a, b)));
  add("list.max(): dyn", (list: unknown[]) => extreme(list, (a, b) => below(b, a)));
  add("list.indexOf(dyn): int", (list: unknown[], wanted: unknown) => BigInt(list.indexOf(wanted)));
  add("list.lastIndexOf(dyn): int", (list: unknown[], wanted: unknown) => BigInt(list.lastIndexOf(wanted)));
  add("isURL(string): bool", (text: string) => URL.canParse(text));
}

const below = (a: unknown, b: unknown): boolean => (a as bigint) <= (b as bigint);
const plus = (a: unknown, b: unknown): unknown => (typeof b === "bigint" ? (a as bigint) + b : Number(a) + Number(b));

function extreme(list: readonly unknown[], keeps: (a: unknown, b: unknown) => boolean): unknown {
  if (list.length === 0) throw new Error("min called on empty list");
  return list.reduce((best, each) => (keeps(best, each) ? best : each));
}
