import type { Call } from "../registry/context.ts";
import { validateMeta, validateMetaUpdate } from "../registry/object-meta.ts";
import type { Strategy } from "../registry/resource.ts";
import { type FieldError, index, invalid } from "../wire/field-error.ts";
import { copy, type JsonObject, objectAt, textsAt } from "../wire/json.ts";
import type { NameCheck } from "../wire/names.ts";

/** What sets one built-in kind apart. Absent parts mean: nothing special. */
export interface BuiltinKind {
  readonly group: string;
  readonly resource: string;
  /** Name of its Go type. */
  readonly struct: string;
  readonly checkName: NameCheck;
  readonly unconditionalUpdate?: boolean;
  readonly createOnUpdate?: boolean;
  readonly hasStatus?: boolean;
  /** Changes its argument; runs whenever an object is read from a client. */
  readonly defaults?: (object: JsonObject) => void;
  readonly prepareCreate?: (next: JsonObject, call: Call) => void;
  readonly prepareUpdate?: (next: JsonObject, old: JsonObject, call: Call) => void;
  readonly validate?: (object: JsonObject) => readonly FieldError[];
  /** What only new objects must obey. */
  readonly validateCreate?: (object: JsonObject) => readonly FieldError[];
  readonly validateUpdate?: (next: JsonObject, old: JsonObject) => readonly FieldError[];
  readonly prepareStatus?: (next: JsonObject, old: JsonObject) => void;
  readonly fields?: Readonly<Record<string, (object: JsonObject) => string>>;
  /** The complaint about an unknown field selector, where it is not the usual one. */
  readonly unknownField?: (field: string) => string;
  readonly extra?: Partial<Strategy>;
}

/** The strategy of a built-in kind. `lax` plants the fault that nothing is immutable. */
export function builtinStrategy(kind: BuiltinKind, namespaced: boolean, lax: boolean): Strategy {
  const validate = (object: JsonObject): FieldError[] => [
    ...validateMeta(objectAt(object, "metadata"), namespaced, kind.checkName),
    ...finalizerErrors(object, kind),
    ...(kind.validate?.(object) ?? []),
  ];
  return {
    unconditionalUpdate: kind.unconditionalUpdate ?? true,
    createOnUpdate: kind.createOnUpdate ?? false,
    prepareCreate(next, call) {
      if (kind.hasStatus) next["status"] = {};
      kind.prepareCreate?.(next, call);
    },
    validateCreate: (next) => [...validate(next), ...(kind.validateCreate?.(next) ?? [])],
    prepareUpdate(next, old, call) {
      if (kind.hasStatus) keepField(next, old, "status");
      kind.prepareUpdate?.(next, old, call);
    },
    validateUpdate: (next, old) => [
      ...validateMetaUpdate(objectAt(next, "metadata"), objectAt(old, "metadata")),
      ...finalizerErrors(next, kind),
      ...(lax ? [] : (kind.validateUpdate?.(next, old) ?? [])),
      ...validate(next),
    ],
    ...kind.extra,
  };
}

/** The strategy of the status subresource: all but status (and metadata) stays. */
export function statusStrategy(kind: BuiltinKind): Strategy {
  return {
    unconditionalUpdate: kind.unconditionalUpdate ?? true,
    createOnUpdate: false,
    prepareCreate: () => undefined,
    validateCreate: () => [],
    prepareUpdate(next, old) {
      for (const field of new Set([...Object.keys(next), ...Object.keys(old)])) {
        if (field !== "status" && field !== "metadata") keepField(next, old, field);
      }
      kind.prepareStatus?.(next, old);
    },
    validateUpdate: (next, old) => validateMetaUpdate(objectAt(next, "metadata"), objectAt(old, "metadata")),
    ...(kind.extra?.mustStay === undefined ? {} : { mustStay: kind.extra.mustStay }),
  };
}

const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** Finalizers of built-in kinds are standard ones or have a domain; those of definitions are free. */
function finalizerErrors(object: JsonObject, kind: BuiltinKind): FieldError[] {
  if (kind.group === "apiextensions.k8s.io") return [];
  return textsAt(object, "metadata", "finalizers").flatMap((each, position) =>
    each.includes("/") || standardFinalizers.has(each)
      ? []
      : [
          invalid(
            index("metadata.finalizers", position),
            each,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ],
  );
}

/** Takes one field over from the old object. */
export function keepField(next: JsonObject, old: JsonObject, field: string): void {
  const value = old[field];
  if (value === undefined) delete next[field];
  else next[field] = copy(value);
}
