const MASK = "[redacted]";

/** Values shorter than this are found in too many innocent places. */
const SHORTEST_SECRET = 4;

/** Ends of field names, without dashes, dots and underscores, whose values never reach the log. */
const SECRET_ENDS = [
  "token",
  "secret",
  "secrets",
  "password",
  "passwd",
  "authorization",
  "credential",
  "credentials",
  "cookie",
  "apikey",
  "accesskey",
  "secretkey",
  "privatekey",
  "bearer",
];

/** Tokens by their looks, for those that nobody registered: JSON Web Tokens, and what follows "Bearer". */
const TOKENS = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|(?<=\bbearer\s+)[\w.~+/=-]{8,}/gi;

const SUSPECT_KEY = new RegExp(`(${SECRET_ENDS.map((end) => end.split("").join("[-_.]?")).join("|")})"\\s*:`, "i");

/** Hides what must not be read in a log: by the name of the field, and by known values wherever they stand. */
export interface Redaction {
  /** Hides this value, also in base64 and JSON escapes, until the registration is disposed of. */
  register(secret: string): Disposable;
  /** Whether the value of a field of this name is hidden. */
  hides(field: string): boolean;
  /** One log line, a JSON object, without secrets. */
  line(json: string): string;
  /** Any text without the registered values and without what looks like a token. */
  text(text: string): string;
}

/** `secretFields`: further names of fields to hide, such as those marked `csi_secret` in the wire contract. */
export function createRedaction(secretFields: ReadonlySet<string> = new Set()): Redaction {
  const fields = new Set([...secretFields].map(plain));
  const fieldInLine =
    fields.size === 0 ? undefined : new RegExp(`"(${[...secretFields].map(quoteRegExp).join("|")})"`, "i");
  const secrets = new Map<string, number>();
  const hides = (field: string): boolean => {
    const name = plain(field);
    return fields.has(name) || SECRET_ENDS.some((end) => name.endsWith(end));
  };
  const text = (given: string): string => {
    let out = given;
    for (const secret of secrets.keys()) {
      if (out.includes(secret)) out = out.replaceAll(secret, MASK);
    }
    return out.replace(TOKENS, MASK);
  };
  return {
    hides,
    text,
    line(json) {
      // Parsing every line would double the cost of logging; most hold no such field.
      const suspect = SUSPECT_KEY.test(json) || fieldInLine?.test(json) === true;
      return text(suspect ? hideFields(json, hides) : json);
    },
    register(secret) {
      const forms = secret.length < SHORTEST_SECRET ? [] : formsOf(secret);
      for (const form of forms) secrets.set(form, (secrets.get(form) ?? 0) + 1);
      let active = true;
      return {
        [Symbol.dispose]: () => {
          if (!active) return;
          active = false;
          for (const form of forms) release(secrets, form);
        },
      };
    },
  };
}

function release(counts: Map<string, number>, form: string): void {
  const left = (counts.get(form) ?? 0) - 1;
  if (left > 0) counts.set(form, left);
  else counts.delete(form);
}

/** A secret as it may stand in a line. Longest first, so that no part of it is left over. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const escaped = escapeJson(secret);
  // Twice escaped: JSON that stands in a text of the line, such as the body of a request in an error message.
  const forms = [secret, escaped, escapeJson(escaped), bytes.toString("base64"), bytes.toString("base64url")];
  return [...new Set([...forms, encodeURIComponent(secret)])].sort((a, b) => b.length - a.length);
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function hideFields(json: string, hides: (field: string) => boolean): string {
  const newline = json.endsWith("\n") ? "\n" : "";
  try {
    const kept: unknown = JSON.parse(json, (key, value: unknown) =>
      value !== null && value !== "" && typeof value !== "boolean" && hides(key) ? MASK : value,
    );
    return JSON.stringify(kept) + newline;
  } catch {
    // Not JSON, so its fields can not be told apart. Better no line than a secret in it.
    return (
      JSON.stringify({ level: "error", msg: "a log line was dropped: it could not be checked for secrets" }) + newline
    );
  }
}

function plain(field: string): string {
  return field.toLowerCase().replaceAll(/[-_.]/g, "");
}

function quoteRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
