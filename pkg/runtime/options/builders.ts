import { parseDuration } from "./go-duration.ts";
import { parseBoolean, parseInteger, parseNumber } from "./go-number.ts";
import type { OptionKind, OptionSpec } from "./options.ts";

/** What a flag may carry beyond name, default and help. */
export type OptionExtra = Pick<OptionSpec<unknown>, "env" | "compatOnly" | "secret" | "short">;

function option<T>(
  kind: OptionKind,
  parse: (text: string) => T,
  [flag, fallback, help, extra]: readonly [string, string, string, OptionExtra | undefined],
): OptionSpec<T> {
  return { flag, kind, fallback, help, parse, ...extra };
}

/** A flag whose value is taken as it stands. */
export function text(flag: string, fallback: string, help: string, extra?: OptionExtra): OptionSpec<string> {
  return option("text", (value) => value, [flag, fallback, help, extra]);
}

/** A whole number, in Go's syntax for integers. */
export function integer(flag: string, fallback: number, help: string, extra?: OptionExtra): OptionSpec<number> {
  return option("integer", parseInteger, [flag, String(fallback), help, extra]);
}

/** A decimal number. */
export function number(flag: string, fallback: number, help: string, extra?: OptionExtra): OptionSpec<number> {
  return option("number", parseNumber, [flag, String(fallback), help, extra]);
}

/** A switch. Never takes the next argument: `--flag`, `--flag=false`. */
export function boolean(flag: string, fallback: boolean, help: string, extra?: OptionExtra): OptionSpec<boolean> {
  return option("boolean", parseBoolean, [flag, String(fallback), help, extra]);
}

/** A duration; `fallback` in Go syntax ("1m30s"), the value in milliseconds. */
export function duration(flag: string, fallback: string, help: string, extra?: OptionExtra): OptionSpec<number> {
  return option("duration", parseDuration, [flag, fallback, help, extra]);
}

/** One of a few words. */
export function choice<const V extends string>(
  flag: string,
  fallback: NoInfer<V>,
  values: readonly V[],
  help: string,
  extra?: OptionExtra,
): OptionSpec<V> {
  const parse = (given: string): V => {
    const found = values.find((each) => each === given);
    if (found === undefined) throw new Error(`invalid value "${given}" (expected one of ${values.join(", ")})`);
    return found;
  };
  return { ...option("choice", parse, [flag, fallback, help, extra]), values };
}

/** Words separated by commas; a repeated flag adds to what was given before. Blanks around words are dropped. */
export function list(
  flag: string,
  fallback: readonly string[],
  help: string,
  extra?: OptionExtra,
): OptionSpec<readonly string[]> {
  const parse = (given: string): readonly string[] =>
    given
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
  return option("list", parse, [flag, fallback.join(","), help, extra]);
}
