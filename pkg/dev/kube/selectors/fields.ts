import { byBytes } from "../wire/json.ts";

/** One term of a field selector. */
export interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

export type FieldSelector = readonly FieldTerm[];

/** Parses the string form. Throws an Error with the API server's words. */
export function parseFieldSelector(text: string): FieldSelector {
  return splitTerms(text)
    .sort(byBytes)
    .filter((part) => part !== "")
    .map((part) => term(text, part));
}

/** True when every term holds; an unknown field has the empty value. */
export function matchesFields(selector: FieldSelector, read: (field: string) => string): boolean {
  return selector.every(({ field, equal, value }) => (read(field) === value) === equal);
}

function splitTerms(text: string): string[] {
  if (text === "") return [];
  const terms: string[] = [];
  let start = 0;
  let escaped = false;
  for (let at = 0; at < text.length; at += 1) {
    if (escaped) escaped = false;
    else if (text[at] === "\\") escaped = true;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function term(whole: string, part: string): FieldTerm {
  const match = /^(.*?)(!=|==|=)(.*)$/s.exec(part);
  if (!match) throw new Error(`invalid selector: '${whole}'; can't understand '${part}'`);
  const [, field = "", operator, raw = ""] = match;
  return { field, equal: operator !== "!=", value: unescaped(raw) };
}

function unescaped(raw: string): string {
  let out = "";
  let escaped = false;
  for (const char of raw) {
    if (escaped) {
      if (!"\\,=".includes(char)) throw new Error(`invalid field selector: invalid escape sequence: \\${char}`);
      out += char;
      escaped = false;
    } else if (char === "\\") escaped = true;
    else if (char === "," || char === "=") {
      throw new Error(`invalid field selector: unescaped character in value: ${char.codePointAt(0)}`);
    } else out += char;
  }
  if (escaped) throw new Error("invalid field selector: invalid escape sequence: \\");
  return out;
}
