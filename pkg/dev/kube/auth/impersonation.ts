import type { AccessQuestion, User } from "../registry/context.ts";
import { quote } from "../wire/go-text.ts";
import { dnsSubdomain } from "../wire/names.ts";
import { badRequest } from "../wire/status.ts";

/** Header values of one request; names are lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** One way to become another user: every question must be allowed. */
export interface ImpersonationMode {
  readonly questions: readonly AccessQuestion[];
  /** Refused whatever the rights: the question it fails at, and why. */
  readonly never?: { readonly question: AccessQuestion; readonly why: string };
  readonly user: User;
}

type Wanted = User;

const extraPrefix = "impersonate-extra-";

const values = (headers: Headers, name: string): string[] => {
  const value = headers[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : value.split(",").map((each) => each.trim());
};

/**
 * The ways in which a request may act as the user that its Impersonate headers name, in the order in which they are
 * tried; undefined when there are no such headers. `request` is what it wants to do. Throws 400 when a user is missing.
 */
export function impersonationModes(headers: Headers, request: AccessQuestion): ImpersonationMode[] | undefined {
  const wanted = readWanted(headers);
  if (wanted === undefined) return undefined;
  const node = nodeName(wanted.name);
  const account = accountName(wanted.name);
  const isPlain = wanted.uid === "" && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;
  const constrained = (mode: string, name?: string) => constrainedMode(mode, wanted, request, name);
  return [
    ...(isPlain && node !== undefined && isOnNode(request.user, node) ? [constrained("associated-node", "*")] : []),
    ...(isPlain && node !== undefined ? [constrained("arbitrary-node")] : []),
    ...(isPlain && account !== undefined ? [constrained("serviceaccount")] : []),
    ...(node === undefined && account === undefined ? [constrained("user-info")] : []),
    { questions: partsOf(wanted, request.user, "impersonate", "", "v1"), user: complete(wanted) },
  ];
}

function readWanted(headers: Headers): Wanted | undefined {
  const name = values(headers, "impersonate-user").join(",");
  const uid = values(headers, "impersonate-uid")[0] ?? "";
  const groups = values(headers, "impersonate-group");
  const extra = Object.fromEntries(
    Object.keys(headers)
      .filter((each) => each.startsWith(extraPrefix))
      .map((each) => [unescapeKey(each.slice(extraPrefix.length)), values(headers, each)]),
  );
  if (name !== "") return { name, uid, groups, extra };
  if (uid === "" && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
  const list = (of: readonly string[]) => `[]string{${of.map(quote).join(", ")}}`;
  const extras = Object.entries(extra).map(([key, of]) => `${quote(key)}:${list(of)}`);
  const told = [
    'Name:""',
    `UID:${quote(uid)}`,
    `Groups:${groups.length === 0 ? "[]string(nil)" : list(groups)}`,
    `Extra:map[string][]string${extras.length === 0 ? "(nil)" : `{${extras.join(", ")}}`}`,
  ];
  throw badRequest(`requested &user.DefaultInfo{${told.join(", ")}} without impersonating a user name`);
}

function unescapeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function constrainedMode(mode: string, wanted: Wanted, request: AccessQuestion, name?: string): ImpersonationMode {
  const requester: User =
    name === undefined
      ? request.user
      : {
          ...request.user,
          extra: { "authentication.kubernetes.io/associated-node-keys": Object.keys(request.user.extra).sort() },
        };
  const parts = partsOf(wanted, requester, `impersonate:${mode}`, "authentication.k8s.io", "v1", true);
  const questions = [
    { ...request, user: requester, verb: `impersonate-on:${mode}:${request.verb}` },
    ...(name === undefined ? parts : parts.map((each) => ({ ...each, name }))),
  ];
  const groups = questions.find(({ resource }) => resource === "groups");
  const node = nodeName(wanted.name) !== undefined;
  const user = complete(node ? { ...wanted, groups: ["system:nodes"] } : wanted);
  if (groups !== undefined && wanted.groups.includes("system:masters")) {
    const question = { ...groups, name: "system:masters" };
    const why = "impersonating the system:masters group is not allowed";
    return { questions: questions.slice(0, questions.indexOf(groups)), never: { question, why }, user };
  }
  return { questions, user };
}

/** One question for each part of a user. */
function partsOf(
  { name, uid, groups, extra }: Wanted,
  requester: User,
  verb: string,
  group: string,
  version: string,
  nodes = false,
): AccessQuestion[] {
  const ask = (resource: string, object: string, more: Partial<AccessQuestion> = {}): AccessQuestion => ({
    ...{ user: requester, verb, group, version, resource, subresource: "", namespace: "", name: object },
    ...more,
  });
  const account = accountName(name);
  const node = nodes ? nodeName(name) : undefined;
  const own = { group: "authentication.k8s.io", version: "v1" };
  return [
    account
      ? ask("serviceaccounts", account.name, { namespace: account.namespace })
      : node === undefined
        ? ask("users", name)
        : ask("nodes", node),
    ...(uid === "" ? [] : [ask("uids", uid, own)]),
    ...groups.map((each) => ask("groups", each)),
    ...Object.entries(extra).flatMap(([key, list]) =>
      list.map((each) => ask("userextras", each, { ...own, subresource: key })),
    ),
  ];
}

/** A user with the groups that go without saying. */
function complete(user: Wanted): User {
  const account = accountName(user.name);
  const groups =
    account !== undefined && user.groups.length === 0
      ? ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`]
      : [...user.groups];
  const closing = user.name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  if (groups.includes(closing) || groups.includes("system:unauthenticated")) return { ...user, groups };
  return { ...user, groups: [...groups, closing] };
}

function accountName(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function nodeName(user: string): string | undefined {
  const name = /^system:node:(.*)$/s.exec(user)?.[1];
  return name === undefined || dnsSubdomain(name).length > 0 ? undefined : name;
}

function isOnNode(user: User, node: string): boolean {
  const names = user.extra["authentication.kubernetes.io/node-name"] ?? [];
  return accountName(user.name) !== undefined && names.length === 1 && names[0] === node;
}
