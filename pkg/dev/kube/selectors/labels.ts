import { aggregateMessage, child, type FieldError, index, invalid, key as keyed } from "../wire/field-error.ts";
import { byBytes, type Json } from "../wire/json.ts";
import { labelValue, qualifiedName } from "../wire/names.ts";
import { lex, type Token, type TokenKind } from "./label-lexer.ts";

type Operator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | ">" | "<";

/** One requirement of a label selector. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** A label selector; no requirements match everything. */
export type LabelSelector = readonly Requirement[];

/** Parses the string form. Throws an Error with the API server's words. */
export function parseLabelSelector(text: string): LabelSelector {
  return new Parser(lex(text)).parse();
}

export function matchesLabels(selector: LabelSelector, labels: Json | undefined): boolean {
  const given = (labels ?? {}) as Record<string, string>;
  return selector.every((requirement) => matches(requirement, given));
}

function matches({ key, operator, values }: Requirement, labels: Record<string, string>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "in":
    case "=":
    case "==":
      return value !== undefined && values.includes(value);
    case "notin":
    case "!=":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case ">":
    case "<":
      return compares(value, operator, values[0] ?? "");
  }
}

function compares(value: string | undefined, operator: ">" | "<", limit: string): boolean {
  if (value === undefined || !isInteger(value)) return false;
  return operator === ">" ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit);
}

const isInteger = (text: string): boolean => /^[+-]?\d+$/.test(text);

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): LabelSelector {
    const found: Requirement[] = [];
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind === "end") break;
      if (kind !== "identifier" && kind !== "!")
        throw new Error(`found '${text}', expected: !, identifier, or 'end of string'`);
      found.push(this.#requirement());
      const next = this.#take();
      if (next.kind === "end") break;
      if (next.kind !== ",") throw new Error(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.kind !== "identifier" && after.kind !== "!") {
        throw new Error(`found '${after.text}', expected: identifier after ','`);
      }
    }
    return found.sort((a, b) => byBytes(a.key, b.key));
  }

  #requirement(): Requirement {
    try {
      return this.#readRequirement();
    } catch (thrown) {
      throw new Error(`unable to parse requirement: ${(thrown as Error).message}`);
    }
  }

  #readRequirement(): Requirement {
    let token = this.#take();
    const absent = token.kind === "!";
    if (absent) token = this.#take();
    if (token.kind !== "identifier") throw new Error(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const complaints = qualifiedName(key);
    if (complaints.length > 0) throw new Error(aggregateMessage([invalid("", key, complaints.join("; "))]));
    if (absent) return checked({ key, operator: "!", values: [] });
    const next = this.#peek().kind;
    if (next === "end" || next === ",") return checked({ key, operator: "exists", values: [] });
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#values() : [this.#exactValue()];
    return checked({ key, operator, values: [...new Set(values)].sort(byBytes) });
  }

  #operator(): Operator {
    const { kind, text } = this.#take(true);
    if (
      kind === "in" ||
      kind === "notin" ||
      kind === "=" ||
      kind === "==" ||
      kind === "!=" ||
      kind === ">" ||
      kind === "<"
    ) {
      return kind;
    }
    throw new Error(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  #exactValue(): string {
    const next = this.#peek().kind;
    if (next === "end" || next === ",") return "";
    const { kind, text } = this.#take();
    if (kind === "identifier") return text;
    throw new Error(`found '${text}', expected: identifier`);
  }

  #values(): string[] {
    const open = this.#take();
    if (open.kind !== "(") throw new Error(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.kind === ")") {
      this.#take();
      return [""];
    }
    if (first.kind !== "identifier" && first.kind !== ",") {
      throw new Error(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values = this.#identifiers();
    if (this.#take().kind !== ")") throw new Error(`found '${first.text}', expected: ')'`);
    return values;
  }

  #identifiers(): string[] {
    const values: string[] = [];
    for (;;) {
      const { kind, text } = this.#take();
      const next = this.#peek();
      if (kind === "identifier") {
        values.push(text);
        if (next.kind === ")") return values;
        if (next.kind !== ",") throw new Error(`found '${next.text}', expected: ',' or ')'`);
      } else if (kind === ",") {
        if (values.length === 0 || next.kind === "," || next.kind === ")") values.push("");
        if (next.kind === ")") return values;
      } else {
        throw new Error(`found '${text}', expected: ',', or identifier`);
      }
    }
  }

  #peek(): Token {
    return asValue(this.#tokens[this.#at] ?? { kind: "end", text: "" });
  }

  #take(operator = false): Token {
    const token = this.#tokens[this.#at] ?? { kind: "end" as TokenKind, text: "" };
    this.#at += 1;
    return operator ? token : asValue(token);
  }
}

/** `in` and `notin` are ordinary words where no operator can stand. */
function asValue(token: Token): Token {
  return token.kind === "in" || token.kind === "notin" ? { kind: "identifier", text: token.text } : token;
}

function checked(requirement: Requirement): Requirement {
  const { operator, values, key } = requirement;
  const errors: FieldError[] = [];
  if (operator === ">" || operator === "<") {
    values.forEach((value, position) => {
      if (!isInteger(value)) {
        errors.push(
          invalid(index("values", position), value, "for 'Gt', 'Lt' operators, the value must be an integer"),
        );
      }
    });
  }
  values.forEach((value, position) => {
    const complaints = labelValue(value);
    if (complaints.length > 0) {
      errors.push(invalid(keyed(index(child("", "values"), position), key), value, complaints.join("; ")));
    }
  });
  if (errors.length > 0) throw new Error(aggregateMessage(errors));
  return requirement;
}
