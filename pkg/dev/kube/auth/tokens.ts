import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from "node:crypto";
import { isObject, type Json, type JsonObject, parseJson, stringifyJson, textAt, textsAt } from "../wire/json.ts";

/** The issuer and, by default, the audience of every ServiceAccount token. */
export const issuer = "https://kubernetes.default.svc.cluster.local";

/** What a ServiceAccount token says. Times are seconds since the epoch. */
export interface TokenClaims {
  readonly audiences: readonly string[];
  readonly subject: string;
  readonly id: string;
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly expires: number;
  readonly namespace: string;
  readonly account: ObjectRef;
  readonly pod?: ObjectRef;
  readonly secret?: ObjectRef;
  readonly node?: ObjectRef;
}

export interface ObjectRef {
  readonly name: string;
  readonly uid: string;
}

/** What reading a token gave: claims, the complaint about it, or nothing when it is none of ours. */
export type ReadToken = { readonly claims: TokenClaims } | { readonly problem: string } | undefined;

/** Signs and checks ServiceAccount tokens: JSON Web Tokens with ES256 and a key of this process. */
export class TokenIssuer {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #keyId: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#private = privateKey;
    this.#public = publicKey;
    this.#keyId = createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("base64url");
  }

  /** The public half, PEM, for tests and for discovery. */
  get publicKey(): KeyObject {
    return this.#public;
  }

  issue(claims: Omit<TokenClaims, "id">): string {
    const header = encode({ alg: "ES256", kid: this.#keyId });
    const reference = ({ name, uid }: ObjectRef): JsonObject => ({ name, uid });
    const payload = encode({
      aud: [...claims.audiences],
      exp: claims.expires,
      iat: claims.issuedAt,
      iss: issuer,
      jti: randomUUID(),
      "kubernetes.io": {
        namespace: claims.namespace,
        ...(claims.node ? { node: reference(claims.node) } : {}),
        ...(claims.pod ? { pod: reference(claims.pod) } : {}),
        ...(claims.secret ? { secret: reference(claims.secret) } : {}),
        serviceaccount: reference(claims.account),
      },
      nbf: claims.notBefore,
      sub: claims.subject,
    });
    const input = `${header}.${payload}`;
    const signature = sign("sha256", Buffer.from(input), { key: this.#private, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
  }

  /** Checks form, issuer and signature; times and bound objects are for the caller. */
  read(token: string): ReadToken {
    const [header = "", payload = "", signature = "", ...rest] = token.split(".");
    const claims = decode(payload);
    if (rest.length > 0 || signature === "" || textAt(claims, "iss") !== issuer) return undefined;
    const head = decode(header);
    if (head === undefined) return undefined;
    if (textAt(head, "kid") !== this.#keyId) return { problem: "invalid signature, no keys found" };
    const bytes = Buffer.from(signature, "base64url");
    const genuine =
      bytes.length === 64 &&
      verify("sha256", Buffer.from(`${header}.${payload}`), { key: this.#public, dsaEncoding: "ieee-p1363" }, bytes);
    if (!genuine) return { problem: "go-jose/go-jose: error in cryptographic primitive" };
    return { claims: readClaims(claims as JsonObject) };
  }
}

const encode = (value: Json): string => Buffer.from(stringifyJson(value)).toString("base64url");

function decode(part: string): JsonObject | undefined {
  try {
    const value = parseJson(Buffer.from(part, "base64url").toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readClaims(claims: JsonObject): TokenClaims {
  const bound = claims["kubernetes.io"];
  const reference = (field: string): ObjectRef | undefined => {
    const name = textAt(bound, field, "name");
    return name === "" ? undefined : { name, uid: textAt(bound, field, "uid") };
  };
  const pod = reference("pod");
  const secret = reference("secret");
  const node = reference("node");
  return {
    audiences: textsAt(claims, "aud"),
    subject: textAt(claims, "sub"),
    id: textAt(claims, "jti"),
    issuedAt: Number(claims["iat"]),
    notBefore: Number(claims["nbf"]),
    expires: Number(claims["exp"]),
    namespace: textAt(bound, "namespace"),
    account: reference("serviceaccount") ?? { name: "", uid: "" },
    ...(pod ? { pod } : {}),
    ...(secret ? { secret } : {}),
    ...(node ? { node } : {}),
  };
}
