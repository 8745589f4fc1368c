/** Words of a label selector. */
export type TokenKind =
  | "error"
  | "end"
  | ")"
  | ","
  | "!"
  | "=="
  | "="
  | ">"
  | "identifier"
  | "in"
  | "<"
  | "!="
  | "notin"
  | "(";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const symbols = new Set<string>([")", ",", "!", "==", "=", ">", "<", "!=", "("]);
const special = new Set("=!(),><");
const blank = new Set(" \t\r\n");

/** Splits a selector into words; the last one is always `end`. */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (blank.has(text[at] ?? "")) at += 1;
    const first = text[at];
    if (first === undefined) return [...tokens, { kind: "end", text: "" }];
    const end = special.has(first) ? symbolEnd(text, at) : wordEnd(text, at);
    const word = text.slice(at, end);
    tokens.push(special.has(first) ? symbol(word) : identifier(word));
    at = end;
  }
}

function symbol(word: string): Token {
  return symbols.has(word)
    ? { kind: word as TokenKind, text: word }
    : { kind: "error", text: `error expected: keyword found '${word}'` };
}

function identifier(word: string): Token {
  return { kind: word === "in" || word === "notin" ? word : "identifier", text: word };
}

function symbolEnd(text: string, start: number): number {
  let known = false;
  let end = start;
  while (special.has(text[end] ?? "")) {
    const longer = symbols.has(text.slice(start, end + 1));
    if (known && !longer) break;
    known = known || longer;
    end += 1;
  }
  return end;
}

function wordEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && !special.has(text[end] ?? "") && !blank.has(text[end] ?? "")) end += 1;
  return end;
}
