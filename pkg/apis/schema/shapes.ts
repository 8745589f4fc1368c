import * as z from "zod";
import { dateTime, integer, object, oneOf, optional, text } from "./fields.ts";
import type { Rule } from "./rule.ts";

/** A reference to any object; replaced as a whole by server-side apply. */
export function objectReference(description: string, ...rules: readonly Rule[]) {
  const reference = object(
    description,
    {
      apiVersion: optional(text("Group and version of the object.")),
      fieldPath: optional(text("The part of the object that is meant, such as spec.containers{name}.")),
      kind: optional(text("Kind of the object.")),
      name: optional(text("Name of the object.")),
      namespace: optional(text("Namespace of the object.")),
      resourceVersion: optional(text("The version of the object that was seen.")),
      uid: optional(text("Identity of the object; another object of the same name has another one.")),
    },
    ...rules,
  );
  return reference.meta({ "x-kubernetes-map-type": "atomic" });
}

/** The standard conditions: one entry per `type`. */
export function conditions(description: string) {
  const condition = object("One fact about the object.", {
    lastTransitionTime: dateTime("When status last changed from one value to another."),
    message: text("What a person should know; may be empty.", { maxLength: 32768 }),
    observedGeneration: optional(integer("The metadata.generation that this was said about.", { minimum: 0 })),
    reason: text("Why, in one CamelCase word for programs.", {
      minLength: 1,
      maxLength: 1024,
      pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    }),
    status: oneOf("Whether the fact holds.", ["True", "False", "Unknown"]),
    type: text("Which fact, in CamelCase.", {
      maxLength: 316,
      pattern:
        "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    }),
  });
  const all = z.array(condition).superRefine((items, context) => {
    items.forEach(({ type }, at) => {
      if (items.findIndex((each) => each.type === type) === at) return;
      context.addIssue({ code: "custom", path: [at], params: { duplicate: { type } } });
    });
  });
  return all.meta({ description, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });
}

/** The error field of the snapshot kinds: what went wrong last, and when. */
export function lastError(description: string) {
  return object(description, {
    message: optional(text("What went wrong. It may be logged and must not hold secrets.")),
    time: optional(dateTime("When it was noticed.")),
  });
}
