/** The paths of keys that stand twice in the same JSON object, as strict decoding reports them. */
export function duplicateFields(text: string): string[] {
  const scanner = new Scanner(text);
  scanner.value("");
  return [...new Set(scanner.found)].map((path) => `duplicate field ${JSON.stringify(path)}`);
}

class Scanner {
  readonly found: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(path: string): void {
    this.#space();
    const first = this.#text[this.#at];
    if (first === "{") this.#object(path);
    else if (first === "[") this.#list(path);
    else if (first === '"') this.#string();
    else this.#at += /^[^,\]}\s]*/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0].length || 1;
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#at += 1;
    for (this.#space(); this.#at < this.#text.length && this.#text[this.#at] !== "}"; this.#space()) {
      if (this.#text[this.#at] === ",") {
        this.#at += 1;
        continue;
      }
      const key = this.#string();
      const inner = path === "" ? key : `${path}.${key}`;
      if (seen.has(key)) this.found.push(inner);
      seen.add(key);
      this.#space();
      this.#at += 1;
      this.value(inner);
    }
    this.#at += 1;
  }

  #list(path: string): void {
    let position = 0;
    this.#at += 1;
    for (this.#space(); this.#at < this.#text.length && this.#text[this.#at] !== "]"; this.#space()) {
      if (this.#text[this.#at] === ",") this.#at += 1;
      else {
        this.value(`${path}[${position}]`);
        position += 1;
      }
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"')
      this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    this.#at += 1;
    try {
      return String(JSON.parse(this.#text.slice(start, this.#at)));
    } catch {
      return "";
    }
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }
}
