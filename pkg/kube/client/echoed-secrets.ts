import { createRedaction } from "../../runtime/log/index.ts";

export interface SentRequest {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | undefined;
}

/** Shorter values in a body are no credentials, and stand in too many innocent places. */
const shortestSecret = 8;

/** A gateway may answer with what it was sent: takes the secrets of the request out of such a text. */
export function withoutEchoes({ headers, body }: SentRequest, text: string): string {
  const redaction = createRedaction();
  for (const secret of [...inHeaders(headers), ...inBody(body, redaction.hides)]) {
    redaction.register(secret);
    for (const form of insideBase64(secret)) redaction.register(form);
  }
  return redaction.text(text);
}

/** The header as a whole first, so that "Basic" and "Bearer" leave nothing behind either. */
function inHeaders(headers: SentRequest["headers"]): string[] {
  return Object.entries(headers)
    .filter(([name]) => name.toLowerCase() === "authorization")
    .flatMap(([, value]) => (typeof value === "string" ? [value] : [...value]))
    .flatMap((value) => {
      const [, scheme = "", secret = value] = /^(\S+)\s+(.*)$/s.exec(value) ?? [];
      if (scheme.toLowerCase() !== "basic") return [value, secret];
      const login = Buffer.from(secret, "base64").toString("utf8");
      return [value, secret, login, login.slice(login.indexOf(":") + 1)];
    });
}

function inBody(body: Buffer | undefined, hides: (field: string) => boolean): string[] {
  if (body === undefined) return [];
  const found: string[] = [];
  try {
    JSON.parse(body.toString("utf8"), (key, value: unknown) => {
      if (typeof value === "string" && value.length >= shortestSecret && hides(key)) found.push(value);
      return value;
    });
  } catch {
    // No JSON: nothing in it has a name.
  }
  return found;
}

/** How a secret looks within the base64 of a longer text: by where it begins, without the letters it shares. */
function insideBase64(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const escaped = Buffer.from(JSON.stringify(secret).slice(1, -1));
  return [bytes, escaped].flatMap((each) =>
    [0, 1, 2].flatMap((before) => {
      const shifted = Buffer.concat([Buffer.alloc(before), each]);
      const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((shifted.length * 8) / 6)];
      return (["base64", "base64url"] as const).map((encoding) => shifted.toString(encoding).slice(from, to));
    }),
  );
}
