const classes: Readonly<Record<string, string>> = {
  "[:alnum:]": "A-Za-z0-9",
  "[:alpha:]": "A-Za-z",
  "[:digit:]": "0-9",
  "[:lower:]": "a-z",
  "[:upper:]": "A-Z",
  "[:space:]": "\\s",
  "[:word:]": "\\w",
  "[:xdigit:]": "0-9A-Fa-f",
};

/** A JavaScript regular expression for one of Go (RE2). Throws an Error with Go's message where Go has one for it. */
export function goRegex(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  let body = (flags ? pattern.slice(flags[0].length) : pattern).replaceAll("(?P<", "(?<");
  for (const [name, set] of Object.entries(classes)) body = body.replaceAll(name, set);
  body = body.replace(/\\(.)/gs, (whole, escaped: string) => rewritten(escaped) ?? whole);
  try {
    return new RegExp(body, `u${flags?.[1] ?? ""}`);
  } catch (thrown) {
    throw new Error(goMessage((thrown as Error).message, pattern));
  }
}

/** Escapes that JavaScript does not know. */
function rewritten(escaped: string): string | undefined {
  if (escaped === "A") return "^";
  if (escaped === "z") return "$";
  if (/[A-Za-z0-9^$\\.*+?()[\]{}|/]/.test(escaped) || escaped.charCodeAt(0) > 0x7f) return undefined;
  return `\\x${escaped.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function goMessage(message: string, pattern: string): string {
  const told = (what: string, where: string): string => `error parsing regexp: ${what}: \`${where}\``;
  if (/Unterminated group/.test(message)) return told("missing closing )", pattern);
  if (/Unmatched '\)'/.test(message)) return told("unexpected )", pattern);
  if (/Unterminated character class|Lone quantifier brackets/.test(message)) {
    return told("missing closing ]", pattern.slice(Math.max(pattern.lastIndexOf("["), 0)));
  }
  if (/Nothing to repeat/.test(message)) {
    return told("missing argument to repetition operator", /[*+?]/.exec(pattern)?.[0] ?? "");
  }
  if (/\\ at end of pattern/.test(message)) return told("trailing backslash at end of expression", "");
  if (/escape/i.test(message)) return told("invalid escape sequence", /\\./.exec(pattern)?.[0] ?? "");
  return `error parsing regexp: ${message}`;
}
