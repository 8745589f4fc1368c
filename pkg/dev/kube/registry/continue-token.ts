import { isObject, parseJson, stringifyJson } from "../wire/json.ts";
import { badRequest } from "../wire/status.ts";

/** Where a list goes on: after which key, and at which revision; -1 means the newest one. */
export interface ContinueToken {
  readonly revision: number;
  readonly after: string;
}

const prefix = "invalid continue token: ";

export function encodeContinue({ revision, after }: ContinueToken): string {
  const token = { v: "meta.k8s.io/v1", rv: revision, start: `${after}\u0000` };
  return Buffer.from(stringifyJson(token)).toString("base64url");
}

/** Throws a 400 when the token is not one of ours. */
export function decodeContinue(text: string): ContinueToken {
  const token = readToken(text);
  const { v, rv, start } = token;
  if (v !== "meta.k8s.io/v1") {
    throw badRequest(
      `${prefix}continue key is not valid: server does not recognize this encoded version ${typeof v === "string" ? v : ""}`,
    );
  }
  if (typeof rv !== "number" || rv === 0) {
    throw badRequest(
      `${prefix}continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)`,
    );
  }
  if (typeof start !== "string" || start === "") {
    throw badRequest(`${prefix}continue key is not valid: encoded start key empty (version meta.k8s.io/v1)`);
  }
  if (start.split("/").some((part) => part === "." || part === ".."))
    throw badRequest(`${prefix}continue key is not valid: ${start}`);
  return { revision: rv, after: start.endsWith("\0") ? start.slice(0, -1) : start };
}

function readToken(text: string): { readonly [key: string]: unknown } {
  const bad = /[^A-Za-z0-9_-]/.exec(text);
  if (bad || text.length % 4 === 1) {
    throw badRequest(
      `${prefix}continue key is not valid: illegal base64 data at input byte ${bad?.index ?? text.length - 1}`,
    );
  }
  try {
    const token = parseJson(Buffer.from(text, "base64url").toString("utf8"));
    if (isObject(token)) return token;
  } catch {
    // falls through to the refusal below
  }
  const first = Buffer.from(text, "base64url").toString("latin1")[0] ?? "";
  throw badRequest(`${prefix}continue key is not valid: invalid character '${first}' looking for beginning of value`);
}
