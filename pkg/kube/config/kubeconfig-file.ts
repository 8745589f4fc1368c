import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { type Cluster, type Context, KubeConfig as NodeKubeConfig, type User } from "@kubernetes/client-node";
import { parse } from "yaml";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import type { ExecPlugin } from "./exec-plugin.ts";

/** What client-node leaves out of a kubeconfig user. */
export interface UserExtras {
  readonly tokenFile?: string | undefined;
  readonly exec?: ExecPlugin | undefined;
  /** Impersonate-Group, Impersonate-Uid and Impersonate-Extra-* headers. */
  readonly impersonation: Readonly<Record<string, string | string[]>>;
}

/** One kubeconfig, or several merged: the first mention of a name wins, as in kubectl. */
export interface Entries {
  readonly clusters: readonly Cluster[];
  readonly contexts: readonly Context[];
  readonly users: readonly User[];
  readonly extras: ReadonlyMap<string, UserExtras>;
  readonly currentContext: string | undefined;
}

type Json = Record<string, unknown>;

const wrong = (source: string, message: string, cause?: unknown): Failure =>
  new Failure("terminal", "KubeconfigInvalid", `kubeconfig ${source}: ${message}`, { cause });

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** Reads one kubeconfig. File names in it are relative to `folder`. */
export function readText(text: string, source: string, folder: string | undefined): Entries {
  try {
    const raw: unknown = parse(text);
    if (!isObject(raw)) throw new Error("expected a mapping with clusters, users and contexts");
    const config = new NodeKubeConfig();
    config.loadFromString(text);
    if (folder !== undefined) config.makePathsAbsolute(folder);
    const extras = new Map<string, UserExtras>();
    for (const entry of Array.isArray(raw["users"]) ? raw["users"] : []) {
      if (isObject(entry) && isObject(entry["user"]))
        extras.set(String(entry["name"]), extrasOf(entry["user"], folder));
    }
    return {
      clusters: config.getClusters(),
      contexts: config.getContexts(),
      users: config.getUsers(),
      extras,
      currentContext: config.getCurrentContext() || undefined,
    };
  } catch (thrown) {
    throw wrong(source, firstLine(messageOf(thrown)));
  }
}

/** YAML errors quote the lines around the fault, which may hold a token: only the first line is told. */
const firstLine = (text: string): string => text.split("\n", 1)[0]?.replace(/:$/, "") ?? text;

function extrasOf(user: Json, folder: string | undefined): UserExtras {
  const file = user["tokenFile"];
  const tokenFile =
    typeof file === "string" && file !== "" ? (isAbsolute(file) ? file : join(folder ?? ".", file)) : undefined;
  const impersonation: Record<string, string | string[]> = {};
  if (Array.isArray(user["as-groups"])) impersonation["impersonate-group"] = user["as-groups"].map(String);
  if (typeof user["as-uid"] === "string") impersonation["impersonate-uid"] = user["as-uid"];
  if (isObject(user["as-user-extra"])) {
    for (const [key, values] of Object.entries(user["as-user-extra"])) {
      if (Array.isArray(values))
        impersonation[`impersonate-extra-${encodeURIComponent(key.toLowerCase())}`] = values.map(String);
    }
  }
  const exec = isObject(user["exec"]) ? (user["exec"] as unknown as ExecPlugin) : undefined;
  return { tokenFile, exec: exec && { ...exec, command: resolveCommand(exec.command, folder) }, impersonation };
}

/** As client-go: a command with a slash is relative to the kubeconfig, any other is looked up in PATH. */
function resolveCommand(command: string, folder: string | undefined): string {
  return folder !== undefined && command?.includes("/") && !isAbsolute(command) ? join(folder, command) : command;
}

/** Reads and merges files; those that do not exist are left out unless there is only one. */
export function readFiles(paths: string): Entries {
  const files = paths.split(delimiter).filter((path) => path !== "");
  const present = files.length === 1 ? files : files.filter((path) => existsSync(path));
  if (present.length === 0) throw wrong(paths, "none of these files exists");
  return present.map((path) => readText(readFile(path), path, dirname(path))).reduce(merge);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw wrong(path, `cannot be read: ${messageOf(thrown)}`, thrown);
  }
}

function merge(first: Entries, next: Entries): Entries {
  const byName = <T extends { name: string }>(a: readonly T[], b: readonly T[]): T[] => [
    ...a,
    ...b.filter((entry) => !a.some((other) => other.name === entry.name)),
  ];
  return {
    clusters: byName(first.clusters, next.clusters),
    contexts: byName(first.contexts, next.contexts),
    users: byName(first.users, next.users),
    extras: new Map([...next.extras, ...first.extras]),
    currentContext: first.currentContext ?? next.currentContext,
  };
}
