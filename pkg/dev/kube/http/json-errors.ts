/** Go's message for the first syntax error of a JSON text. */
export function syntaxError(text: string): string {
  const scan = new Check(text);
  try {
    scan.document();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return "unexpected end of JSON input";
}

class Check {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value("looking for beginning of value");
    this.#space();
    if (this.#at < this.#text.length) this.#bad("after top-level value");
  }

  #value(where: string): void {
    this.#space();
    const char = this.#peek();
    if (char === "{") this.#object();
    else if (char === "[") this.#list();
    else if (char === '"') this.#string();
    else if (char === "-" || (char >= "0" && char <= "9")) this.#number();
    else if (char === "t") this.#literal("true");
    else if (char === "f") this.#literal("false");
    else if (char === "n") this.#literal("null");
    else this.#bad(where);
  }

  #object(): void {
    this.#at += 1;
    this.#space();
    if (this.#peek() === "}") {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#space();
      if (this.#peek() !== '"') this.#bad("looking for beginning of object key string");
      this.#string();
      this.#space();
      if (this.#peek() !== ":") this.#bad("after object key");
      this.#at += 1;
      this.#value("looking for beginning of value");
      this.#space();
      const next = this.#peek();
      if (next !== "," && next !== "}") this.#bad("after object key:value pair");
      this.#at += 1;
      if (next === "}") return;
    }
  }

  #list(): void {
    this.#at += 1;
    this.#space();
    if (this.#peek() === "]") {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#value("looking for beginning of value");
      this.#space();
      const next = this.#peek();
      if (next !== "," && next !== "]") this.#bad("after array element");
      this.#at += 1;
      if (next === "]") return;
    }
  }

  #string(): void {
    this.#at += 1;
    for (;;) {
      const char = this.#peek();
      if (char === '"') break;
      if (char < " ") this.#bad("in string literal");
      if (char === "\\") {
        this.#at += 1;
        if (!'"\\/bfnrtu'.includes(this.#peek())) this.#bad("in string escape code");
      }
      this.#at += 1;
    }
    this.#at += 1;
  }

  #number(): void {
    if (this.#peek() === "-") this.#at += 1;
    const match = /^(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/.exec(this.#text.slice(this.#at));
    if (!match) this.#bad("in numeric literal");
    this.#at += match?.[0].length ?? 0;
  }

  #literal(word: string): void {
    for (const [position, expected] of [...word].entries()) {
      if (this.#peek() !== expected) {
        this.#bad(position === 0 ? "looking for beginning of value" : `in literal ${word} (expecting '${expected}')`);
      }
      this.#at += 1;
    }
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }

  #peek(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new Error("unexpected end of JSON input");
    return char;
  }

  #bad(where: string): never {
    const char = this.#peek();
    const shown = char === "'" ? `'\\''` : char === '"' ? `'"'` : `'${char}'`;
    throw new Error(`invalid character ${shown} ${where}`);
  }
}
