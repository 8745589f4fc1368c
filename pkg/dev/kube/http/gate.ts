import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { type Authenticator, anonymous } from "../auth/authenticator.ts";
import { type ImpersonationMode, impersonationModes } from "../auth/impersonation.ts";
import type { Rbac } from "../auth/rbac.ts";
import type { AccessQuestion, Machine, User } from "../registry/context.ts";
import { quote } from "../wire/go-text.ts";
import { type ApiFailure, forbidden, unauthorized } from "../wire/status.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestInfo } from "./request-info.ts";

/** Who a request comes from, and whether it may: authentication, impersonation, authorisation. */
export class Gate {
  readonly #authenticator: Authenticator;
  readonly #rbac: Rbac;
  readonly #machine: Machine;

  constructor(authenticator: Authenticator, rbac: Rbac, machine: Machine) {
    this.#authenticator = authenticator;
    this.#rbac = rbac;
    this.#machine = machine;
  }

  /** The user behind a request. Throws 401. */
  identify(exchange: Exchange): User {
    const certificate = certificateUser(exchange);
    if (certificate) return certificate;
    const token = /^Bearer\s+(.+)$/i.exec(exchange.header("authorization").trim())?.[1]?.trim();
    if (token === undefined || token === "") return anonymous;
    const found = this.#authenticator.token(token);
    if ("problem" in found) throw unauthorized();
    return found.user;
  }

  /** The user whom the request acts as. Throws 403 as the first way to become it was refused. */
  impersonate(exchange: Exchange, info: RequestInfo, user: User): User {
    const modes = impersonationModes(exchange.request.headers, questionOf(info, user));
    if (modes === undefined) return user;
    const refusals = modes.map((mode) => this.#refusal(mode));
    const open = refusals.indexOf(undefined);
    if (open < 0) throw refusals[0];
    return modes[open]?.user ?? user;
  }

  #refusal({ questions, never }: ImpersonationMode): ApiFailure | undefined {
    for (const question of questions) {
      const { allowed, reason } = this.#rbac.ask(question);
      if (!allowed) return denial(question, reason, this.#terse);
    }
    return never && denial(never.question, never.why, this.#terse);
  }

  /** Lets an allowed request pass. Throws 403 in the API server's words. */
  authorise(info: RequestInfo, user: User): void {
    this.#require(questionOf(info, user));
  }

  #require(question: AccessQuestion): void {
    const { allowed, reason } = this.#rbac.ask(question);
    if (!allowed) throw denial(question, reason, this.#terse);
  }

  get #terse(): boolean {
    return this.#machine.faults["terse-denial"] === true;
  }
}

export function questionOf(info: RequestInfo, user: User): AccessQuestion {
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const question = { user, verb, group, version, resource, subresource, namespace, name };
  return info.isResource ? question : { ...question, path: info.path };
}

/** The 403 for a question. */
export function denial(question: AccessQuestion, reason: string, terse = false): ApiFailure {
  const message = terse ? "forbidden" : escapeHtml(sentence(question));
  const why = reason === "" || terse ? message : `${message}: ${reason}`;
  if (question.path !== undefined) return forbidden({ group: "", resource: "" }, "", why);
  return forbidden({ group: question.group, resource: question.resource }, question.name, why);
}

function sentence({ user, verb, path, group, resource, subresource, namespace }: AccessQuestion): string {
  const who = `User ${quote(user.name)} cannot ${verb}`;
  if (path !== undefined) return `${who} path ${quote(path)}`;
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${quote(namespace)}`;
  return `${who} resource ${quote(what)} in API group ${quote(group)} ${where}`;
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function certificateUser({ request }: Exchange): User | undefined {
  const socket = (
    "stream" in request ? (request as unknown as Http2ServerRequest).stream?.session?.socket : request.socket
  ) as TLSSocket | undefined;
  if (socket?.authorized !== true) return undefined;
  const { subject } = socket.getPeerCertificate();
  const name = subject?.CN;
  if (typeof name !== "string") return undefined;
  const organisations = subject?.O as string | string[] | undefined;
  const groups = organisations === undefined ? [] : Array.isArray(organisations) ? organisations : [organisations];
  return { name, uid: "", groups: [...groups, "system:authenticated"], extra: {} };
}
