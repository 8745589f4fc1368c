import { metaOf } from "../registry/context.ts";
import { quote } from "../wire/go-text.ts";
import { type JsonObject, listAt, objectAt, textAt, textsAt } from "../wire/json.ts";
import { approvalOf } from "./api-approval.ts";

/** Keeps a definition until its objects are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

/** The status that a definition should have among all others: which names it got, and whether it is served. */
export function definitionStatus(definition: JsonObject, all: readonly JsonObject[], now: string): JsonObject {
  const conflicts = nameConflicts(definition, all);
  const conflict = conflicts.at(-1);
  const status = objectAt(definition, "status");
  const isEstablished = conditionOf(definition, "Established") === "True" || conflict === undefined;
  const approval = approvalOf(definition, objectAt(definition, "spec"));
  const make = (type: string, holds: boolean, reason: string, message: string): JsonObject =>
    condition(definition, { type, holds, reason, message, now });
  const conditions = [
    make(
      "NamesAccepted",
      conflict === undefined,
      conflict?.reason ?? "NoConflicts",
      conflict?.message ?? "no conflicts found",
    ),
    isEstablished
      ? make("Established", true, "InitialNamesAccepted", "the initial names have been accepted")
      : make("Established", false, "NotAccepted", "not all names are accepted"),
    ...(approval === undefined
      ? []
      : [make("KubernetesAPIApprovalPolicyConformant", approval.isApproved, approval.reason, approval.message)]),
  ];
  const ours = new Set(conditions.map((each) => textAt(each, "type")));
  const others = listAt(status, "conditions").filter((each) => !ours.has(textAt(each, "type")));
  const names = acceptedNames(definition, new Set(conflicts.map((each) => each.field)));
  return { ...status, conditions: [...conditions, ...others], acceptedNames: names };
}

/** The status of one condition: True, False, Unknown, or nothing when it is not there. */
export const conditionOf = (definition: JsonObject, type: string): string =>
  textAt(
    listAt(definition, "status", "conditions").find((each) => textAt(each, "type") === type),
    "status",
  );

/** What a deletion does to a definition: it waits for its objects, and says so. */
export function markTerminating(object: JsonObject, now: string): void {
  const meta = metaOf(object);
  const finalizers = textsAt(meta, "finalizers");
  if (!finalizers.includes(cleanupFinalizer)) meta["finalizers"] = [...finalizers, cleanupFinalizer];
  meta["deletionTimestamp"] ??= now;
  const status = objectAt(object, "status");
  const entry: JsonObject = {
    type: "Terminating",
    status: "True",
    lastTransitionTime: now,
    reason: "InstanceDeletionPending",
    message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
  };
  status["conditions"] = [
    ...listAt(status, "conditions").filter((each) => textAt(each, "type") !== "Terminating"),
    entry,
  ];
  object["status"] = status;
}

function condition(
  definition: JsonObject,
  wanted: {
    readonly type: string;
    readonly holds: boolean;
    readonly reason: string;
    readonly message: string;
    readonly now: string;
  },
): JsonObject {
  const { type, holds, reason, message, now } = wanted;
  const status = holds ? "True" : "False";
  const known = listAt(definition, "status", "conditions").find((each) => textAt(each, "type") === type);
  const since = textAt(known, "status") === status ? textAt(known, "lastTransitionTime") : now;
  return { type, status, lastTransitionTime: since, reason, message };
}

/** A name that another definition of the group has already. */
interface NameConflict {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

function nameConflicts(definition: JsonObject, all: readonly JsonObject[]): NameConflict[] {
  const group = textAt(definition, "spec", "group");
  const name = textAt(definition, "metadata", "name");
  const others = all.filter(
    (each) => textAt(each, "spec", "group") === group && textAt(each, "metadata", "name") !== name,
  );
  const taken = (field: string): string[] => others.map((each) => textAt(each, "status", "acceptedNames", field));
  const shortNames = others.flatMap((each) => textsAt(each, "status", "acceptedNames", "shortNames"));
  const resources = new Set([...taken("plural"), ...taken("singular"), ...shortNames]);
  const kinds = new Set([...taken("kind"), ...taken("listKind")]);
  const names = objectAt(definition, "spec", "names");
  const wanted: readonly (readonly [string, readonly string[], ReadonlySet<string>])[] = [
    ["plural", [textAt(names, "plural")], resources],
    ["singular", [textAt(names, "singular")], resources],
    ["shortNames", textsAt(names, "shortNames"), resources],
    ["kind", [textAt(names, "kind")], kinds],
    ["listKind", [textAt(names, "listKind")], kinds],
  ];
  return wanted.flatMap(([field, list, known]) => {
    const clash = list.find((each) => each !== "" && known.has(each));
    if (clash === undefined) return [];
    return [
      {
        field,
        reason: `${field.charAt(0).toUpperCase()}${field.slice(1)}Conflict`,
        message: `${quote(clash)} is already in use`,
      },
    ];
  });
}

/** The wanted names, but for those that clash: they stay what they were. */
function acceptedNames(definition: JsonObject, clashing: ReadonlySet<string>): JsonObject {
  const wanted = objectAt(definition, "spec", "names");
  const before = objectAt(definition, "status", "acceptedNames");
  const result: JsonObject = {};
  for (const field of ["plural", "singular", "shortNames", "kind", "listKind", "categories"]) {
    const value = clashing.has(field) ? before[field] : wanted[field];
    if (value !== undefined && value !== "") result[field] = value;
  }
  return { ...result, plural: result["plural"] ?? "", kind: result["kind"] ?? "" };
}
