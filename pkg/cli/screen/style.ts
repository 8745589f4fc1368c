/** Colours of a terminal, or none. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  /** One of the 256 colours that terminals number alike. */
  readonly indexed: (colour: number) => (text: string) => string;
  readonly isTerminal: boolean;
}

/** Colours only where a person looks, and has not said no (https://no-color.org). */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Style {
  const coloured = isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const code = (on: number | string, off: number) => (text: string) =>
    coloured && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: code(1, 22),
    dim: code(2, 22),
    red: code(31, 39),
    green: code(32, 39),
    yellow: code(33, 39),
    cyan: code(36, 39),
    indexed: (colour) => code(`38;5;${colour}`, 39),
    isTerminal: isTerminal && env["TERM"] !== "dumb",
  };
}
