import { createHash, timingSafeEqual } from "node:crypto";
import type { Machine, User } from "../registry/context.ts";
import { keyOf } from "../storage/store.ts";
import { quote } from "../wire/go-text.ts";
import { type JsonObject, textAt } from "../wire/json.ts";
import { issuer, type ObjectRef, type TokenClaims, type TokenIssuer } from "./tokens.ts";

/** Who a token belongs to, and for which of the asked audiences it is good. */
export interface Authenticated {
  readonly user: User;
  readonly audiences: readonly string[];
}

/** Nobody, and the reason when there is one to tell. */
export interface Refused {
  readonly problem: string;
}

export const anonymous: User = { name: "system:anonymous", uid: "", groups: ["system:unauthenticated"], extra: {} };

/** Tells who sends a token: the administrator, or a ServiceAccount. */
export class Authenticator {
  readonly #machine: Machine;
  readonly #issuer: TokenIssuer;
  readonly #adminToken: Buffer;
  readonly #admin: User;

  constructor(machine: Machine, tokens: TokenIssuer, adminToken: string, admin: User) {
    this.#machine = machine;
    this.#issuer = tokens;
    this.#adminToken = digest(adminToken);
    this.#admin = admin;
  }

  /** Checks a bearer token for the given audiences; the server's own are the default. */
  token(text: string, audiences: readonly string[] = [issuer]): Authenticated | Refused {
    if (timingSafeEqual(digest(text), this.#adminToken)) return { user: this.#admin, audiences };
    const read = this.#issuer.read(text);
    if (read === undefined) return { problem: "invalid bearer token" };
    if ("problem" in read) return { problem: `[invalid bearer token, ${read.problem}]` };
    const problem = this.#problem(read.claims, audiences);
    if (problem !== undefined) return { problem: `[invalid bearer token, ${problem}]` };
    const good = audiences.filter((each) => read.claims.audiences.includes(each));
    return { user: accountUser(read.claims), audiences: this.#machine.faults["any-audience"] ? audiences : good };
  }

  #problem(claims: TokenClaims, audiences: readonly string[]): string | undefined {
    const { faults } = this.#machine;
    if (!faults["any-audience"] && !audiences.some((each) => claims.audiences.includes(each))) {
      const list = (texts: readonly string[]): string => `[${texts.map(quote).join(" ")}]`;
      return `token audiences ${list(claims.audiences)} is invalid for the target audiences ${list(audiences)}`;
    }
    const now = this.#machine.clock.now() / 1000;
    if (now - 60 > claims.expires && !faults["tokens-never-expire"]) return "service account token has expired";
    if (now + 60 < claims.notBefore) return "service account token is not valid yet";
    return faults["deleted-account-token"] ? undefined : this.#bindingProblem(claims);
  }

  #bindingProblem({ namespace, account, secret, pod, node }: TokenClaims): string | undefined {
    const found = this.#uid("serviceaccounts", namespace, account.name);
    if (found === undefined) return `serviceaccounts ${quote(account.name)} not found`;
    if (found !== account.uid) return `service account UID (${found}) does not match claim (${account.uid})`;
    const bound: readonly (readonly [string, string, ObjectRef | undefined])[] = [
      ["secrets", namespace, secret],
      ["pods", namespace, pod],
      ["nodes", "", pod === undefined ? node : undefined],
    ];
    for (const [resource, home, reference] of bound) {
      if (reference === undefined) continue;
      const uid = this.#uid(resource, home, reference.name);
      if (uid === undefined) return "service account token has been invalidated";
      if (uid !== reference.uid) return mismatch(resource, uid, reference.uid);
    }
    return undefined;
  }

  #uid(resource: string, namespace: string, name: string): string | undefined {
    const object: JsonObject | undefined = this.#machine.store
      .collection("", resource)
      .get(keyOf(namespace, name))?.object;
    return object && textAt(object, "metadata", "uid");
  }
}

function mismatch(resource: string, found: string, claimed: string): string {
  const word = { secrets: "secret", pods: "pod", nodes: "node" }[resource] ?? resource;
  return `${word === "secret" ? "secret" : word === "pod" ? "pod" : "Node"} UID (${found}) does not match service account ${word} ref claim (${claimed})`;
}

function accountUser({ namespace, account, id, pod, node }: TokenClaims): User {
  const prefix = "authentication.kubernetes.io";
  return {
    name: `system:serviceaccount:${namespace}:${account.name}`,
    uid: account.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {
      [`${prefix}/credential-id`]: [`JTI=${id}`],
      ...(node ? { [`${prefix}/node-name`]: [node.name], [`${prefix}/node-uid`]: [node.uid] } : {}),
      ...(pod ? { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] } : {}),
    },
  };
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
