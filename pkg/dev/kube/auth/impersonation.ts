import type { AccessQuestion, User } from "../registry/context.ts";
import { badRequest } from "../wire/status.ts";

/** Header values of one request; names are lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a request asks to be: each part is a right of its own. */
export interface Impersonation {
  readonly questions: readonly AccessQuestion[];
  readonly user: User;
}

const extraPrefix = "impersonate-extra-";
const values = (headers: Headers, name: string): string[] => {
  const value = headers[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : value.split(",").map((each) => each.trim());
};

/** Reads the Impersonate headers; undefined when there are none. Throws when a user is missing. */
export function readImpersonation(headers: Headers, requester: User): Impersonation | undefined {
  const name = values(headers, "impersonate-user").join(",");
  const groups = values(headers, "impersonate-group");
  const uid = values(headers, "impersonate-uid")[0] ?? "";
  const extra = Object.keys(headers).filter((each) => each.startsWith(extraPrefix));
  if (name === "") {
    if (groups.length === 0 && uid === "" && extra.length === 0) return undefined;
    throw badRequest(
      `requested [${groups.map((each) => `{Group    ${each}   }`).join(" ")}] without impersonating a user`,
    );
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  const ask = (resource: string, object: string, more: Partial<AccessQuestion> = {}): AccessQuestion => ({
    user: requester,
    verb: "impersonate",
    group: "",
    version: "",
    resource,
    subresource: "",
    namespace: "",
    name: object,
    ...more,
  });
  const extras = Object.fromEntries(
    extra.map((each) => [decodeURIComponent(each.slice(extraPrefix.length)), values(headers, each)]),
  );
  const authentication = { group: "authentication.k8s.io", version: "v1" };
  return {
    questions: [
      account
        ? ask("serviceaccounts", account[2] ?? "", { namespace: account[1] ?? "", version: "v1" })
        : ask("users", name),
      ...groups.map((each) => ask("groups", each)),
      ...Object.entries(extras).flatMap(([key, list]) =>
        list.map((each) => ask("userextras", each, { ...authentication, subresource: key })),
      ),
      ...(uid === "" ? [] : [ask("uids", uid, authentication)]),
    ],
    user: { name, uid, groups: fullGroups(name, groups, account?.[1]), extra: extras },
  };
}

function fullGroups(name: string, groups: readonly string[], namespace: string | undefined): string[] {
  const given =
    groups.length === 0 && namespace !== undefined
      ? ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]
      : [...groups];
  const closing = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  if (given.includes(closing) || given.includes("system:unauthenticated")) return given;
  return [...given, closing];
}
