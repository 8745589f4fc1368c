import type * as z from "zod";
import { type FieldProblem, ruleProblem } from "./problem.ts";
import { detailsOf, isTransition, type Rule, unwrap } from "./rule.ts";

/** A value and, when the object replaces another, what stood there before. */
interface Seat {
  readonly value: unknown;
  readonly old: unknown;
  readonly path: readonly PropertyKey[];
}

/**
 * Every rule that does not hold for a value of the right shape, as the API server would tell it. Transition rules are
 * asked where the field was there before; entries of lists have no "before" unless a key tells them apart.
 */
export function brokenRules(field: z.core.$ZodType, seat: Seat, extra: readonly Rule[] = []): FieldProblem[] {
  if (seat.value === undefined) return [];
  const inner = unwrap(field);
  const { rules = [] } = detailsOf(inner);
  const broken = [...extra, ...rules].filter(
    (each) => (seat.old !== undefined || !isTransition(each)) && !each.holds(seat.value, seat.old),
  );
  return [
    ...broken.map(({ message }) => ruleProblem(seat.path, seat.value, message)),
    ...children(inner, seat).flatMap(([child, where, own]) => brokenRules(child, where, own)),
  ];
}

type Child = readonly [z.core.$ZodType, Seat, readonly Rule[]];

function children(field: z.core.$ZodType, { value, old, path }: Seat): Child[] {
  const { def } = (field as z.core.$ZodTypes)._zod;
  const at = (holder: unknown, key: string): unknown => (holder as Record<string, unknown> | undefined)?.[key];
  switch (def.type) {
    case "object": {
      const { fieldRules = {} } = detailsOf(field);
      return Object.entries(def.shape).map(
        ([name, child]): Child => [
          child,
          { value: at(value, name), old: at(old, name), path: [...path, name] },
          fieldRules[name] ?? [],
        ],
      );
    }
    case "record":
      return Object.keys(value as object).map(
        (key): Child => [def.valueType, { value: at(value, key), old: at(old, key), path: [...path, key] }, []],
      );
    case "array":
      return (value as unknown[]).map(
        (item, index): Child => [def.element, { value: item, old: undefined, path: [...path, index] }, []],
      );
    default:
      return [];
  }
}
