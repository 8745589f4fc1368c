import { type FieldSelector, parseFieldSelector } from "../selectors/fields.ts";
import { type LabelSelector, parseLabelSelector } from "../selectors/labels.ts";
import { type FieldError, forbidden, invalid, notSupported, tooLong } from "../wire/field-error.ts";
import { isObject, type Json, type JsonObject } from "../wire/json.ts";
import { ApiFailure, badRequest, invalidObject } from "../wire/status.ts";
import type { FieldValidation } from "./context.ts";

const metaGroup = "meta.k8s.io";

/** Options of create, update and patch. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface ListOptions {
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
  readonly watch: boolean;
  readonly allowBookmarks: boolean;
  readonly resourceVersion: string;
  readonly match: string;
  readonly limit: number;
  readonly continue: string;
  readonly timeoutSeconds: number | undefined;
  readonly sendInitialEvents: boolean | undefined;
}

/** Reads the options of a write. Throws the API server's refusal. */
export function readWriteOptions(
  query: URLSearchParams,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
): WriteOptions {
  const manager = query.get("fieldManager") ?? "";
  const validation = query.get("fieldValidation") ?? "";
  const dryRun = query.getAll("dryRun");
  const errors: FieldError[] = [];
  if (kind === "PatchOptions" && query.has("force")) {
    errors.push(forbidden("force", "may not be specified for non-apply patch"));
  }
  if (Buffer.byteLength(manager) > 128) errors.push(tooLong("fieldManager", 128));
  errors.push(...managerErrors(manager), ...dryRunErrors(dryRun));
  if (!["", "Ignore", "Warn", "Strict"].includes(validation)) {
    errors.push(notSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]));
  }
  refuse(kind, errors);
  return { dryRun: dryRun.length > 0, fieldValidation: (validation === "" ? "Warn" : validation) as FieldValidation };
}

function managerErrors(manager: string): FieldError[] {
  const errors: FieldError[] = [];
  let position = 0;
  for (const char of manager) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) {
      const shown = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
      errors.push(invalid("fieldManager", manager, `invalid character ${shown} (at position ${position})`));
    }
    position += Buffer.byteLength(char);
  }
  return errors;
}

function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.every((each) => each === "All") ? [] : [notSupported("dryRun", [...values], ["All"])];
}

function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject(metaGroup, kind, "", errors);
}

/** Reads the options of a deletion, from its body when it has one, else from the query. */
export function readDeleteOptions(query: URLSearchParams, body: Json | undefined): DeleteOptions {
  const given = isObject(body) ? body : fromQuery(query);
  const policy = textOption(given["propagationPolicy"]);
  const orphanDependents = typeof given["orphanDependents"] === "boolean" ? given["orphanDependents"] : undefined;
  const dryRun = Array.isArray(given["dryRun"]) ? given["dryRun"].map(String) : [];
  const errors: FieldError[] = [];
  if (orphanDependents !== undefined && policy !== undefined) {
    errors.push(invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"));
  }
  if (policy !== undefined && !["Foreground", "Background", "Orphan"].includes(policy)) {
    errors.push(notSupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"]));
  }
  errors.push(...dryRunErrors(dryRun));
  refuse("DeleteOptions", errors);
  return {
    dryRun: dryRun.length > 0,
    gracePeriodSeconds: typeof given["gracePeriodSeconds"] === "number" ? given["gracePeriodSeconds"] : undefined,
    propagationPolicy: policy,
    orphanDependents,
    preconditions: preconditionsOf(given["preconditions"]),
  };
}

const textOption = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);

function preconditionsOf(value: Json | undefined): DeleteOptions["preconditions"] {
  if (!isObject(value)) return {};
  const { uid, resourceVersion } = value;
  return {
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
  };
}

function fromQuery(query: URLSearchParams): JsonObject {
  const result: JsonObject = {};
  const grace = integer(query, "gracePeriodSeconds");
  if (grace !== undefined) result["gracePeriodSeconds"] = grace;
  if (query.has("propagationPolicy")) result["propagationPolicy"] = query.get("propagationPolicy");
  if (query.has("orphanDependents")) result["orphanDependents"] = truth(query, "orphanDependents");
  if (query.has("dryRun")) result["dryRun"] = query.getAll("dryRun");
  return result;
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const truth = (query: URLSearchParams, name: string): boolean =>
  query.has(name) && query.get(name) !== "0" && query.get(name)?.toLowerCase() !== "false";

/** Reads the options of a list or watch. `everything` also starts a watch for the old /watch/ paths. */
export function readListOptions(query: URLSearchParams): ListOptions {
  const options = parseListOptions(query);
  refuse("ListOptions", options.watch ? watchErrors(options) : listErrors(options));
  return options;
}

function parseListOptions(query: URLSearchParams): ListOptions {
  try {
    return {
      labels: parseLabelSelector(query.get("labelSelector") ?? ""),
      fields: parseFieldSelector(query.get("fieldSelector") ?? ""),
      watch: truth(query, "watch"),
      allowBookmarks: truth(query, "allowWatchBookmarks"),
      resourceVersion: query.get("resourceVersion") ?? "",
      match: query.get("resourceVersionMatch") ?? "",
      limit: integer(query, "limit") ?? 0,
      continue: query.get("continue") ?? "",
      timeoutSeconds: integer(query, "timeoutSeconds"),
      sendInitialEvents: query.has("sendInitialEvents") ? truth(query, "sendInitialEvents") : undefined,
    };
  } catch (thrown) {
    throw thrown instanceof ApiFailure ? thrown : badRequest((thrown as Error).message);
  }
}

function listErrors({ match, resourceVersion, continue: token, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  if (match !== "") {
    if (resourceVersion === "")
      errors.push(forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (token !== "") errors.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan")
      errors.push(notSupported(field, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && resourceVersion === "0") {
      errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (sendInitialEvents !== undefined)
    errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return errors;
}

function watchErrors({ match, continue: token, sendInitialEvents }: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    errors.push(forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match !== "") {
    if (sendInitialEvents === undefined) {
      errors.push(forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    }
    if (match !== "NotOlderThan") errors.push(notSupported(field, match, ["NotOlderThan"]));
    if (token !== "") errors.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
  }
  return errors;
}
