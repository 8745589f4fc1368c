/** Texts that must stay secret, and everything that was seen of a program: who meets whom is found at the end. */
export class Canaries {
  readonly #secrets = new Map<string, string>();
  readonly #seen: { readonly where: string; readonly text: () => string }[] = [];

  /** A value that nobody may see, and what to call it when somebody does. */
  hide(what: string, value: string): string {
    this.#secrets.set(value, what);
    return value;
  }

  /** A ServiceAccount token; its signature alone is as good as nothing, but no part of it belongs in a log. */
  hideToken(what: string, token: string): string {
    for (const part of token.split(".").slice(1)) this.hide(what, part);
    return token;
  }

  /** A private key: each full line of it. */
  hideKey(what: string, pem: string): string {
    for (const line of pem.split("\n")) {
      if (line.length >= 32 && !line.startsWith("-----")) this.hide(what, line);
    }
    return pem;
  }

  /** Something that people or machines other than the owner can read; looked at when `check` is called. */
  watch(where: string, text: string | (() => string)): void {
    this.#seen.push({ where, text: typeof text === "string" ? () => text : text });
  }

  /** Number of texts that are looked for, and of places that are looked in. */
  get size(): { readonly secrets: number; readonly places: number } {
    return { secrets: this.#secrets.size, places: this.#seen.length };
  }

  /** Throws, naming secret and place but not the value, when one was found. */
  check(): void {
    const found = this.#seen.flatMap(({ where, text }) => {
      const seen = text();
      return [...this.#secrets].filter(([value]) => seen.includes(value)).map(([, what]) => `${what} in ${where}`);
    });
    if (found.length > 0) throw new Error(`secrets were told: ${[...new Set(found)].join("; ")}`);
  }
}
