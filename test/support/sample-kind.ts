import {
  bytes,
  conditions,
  dateTime,
  defineCrd,
  exactlyOneOf,
  flag,
  immutable,
  immutableOnce,
  int64,
  integer,
  lastError,
  list,
  map,
  type ObjectOf,
  object,
  objectReference,
  oneOf,
  optional,
  preserveUnknown,
  quantity,
  resourceName,
  text,
  together,
  withDefault,
} from "../../pkg/apis/schema/index.ts";

/** A kind for tests only: every field builder at least once, so that each is tried on an API server. */
export const Sample = defineCrd({
  group: "samples.csi-data-protection.io",
  kind: "Sample",
  plural: "samples",
  shortNames: ["smp"],
  scope: "Namespaced",
  version: "v1alpha1",
  versions: {
    v1alpha1: {
      served: true,
      storage: true,
      subresources: { status: true },
      printerColumns: [{ name: "Driver", type: "string", jsonPath: ".spec.driver" }],
      schema: object("Every field builder.", {
        spec: object("What is wanted.", {
          driver: immutable(resourceName("A DNS subdomain.")),
          "class-name": optional(immutableOnce(text("A name that CEL must escape.", { maxLength: 5 }))),
          source: object(
            "One of three.",
            {
              claim: optional(text("One.")),
              content: optional(text("Two.")),
              namespace: optional(text("Three, a word that CEL reserves.")),
            },
            exactlyOneOf("claim", "content", "namespace"),
          ),
          policy: withDefault(oneOf("An enumeration with a default.", ["Delete", "Retain"]), "Delete"),
          retry: withDefault(
            object("An object with a default, whose fields have defaults.", {
              attempts: withDefault(integer("How often.", { minimum: 1, maximum: 10 }), 3),
              enabled: withDefault(flag("Whether at all."), true),
            }),
            { attempts: 5, enabled: true },
          ),
          since: optional(dateTime("A time.")),
          bundle: optional(bytes("Bytes.")),
          size: optional(quantity("A quantity.")),
          parameters: optional(map("Texts by name.")),
          template: optional(preserveUnknown("Anything.")),
          handles: optional(list("Texts.", text("A text.", { minLength: 1 }), { maxItems: 2 })),
          target: optional(objectReference("A reference.", together("name and kind must be set", "name", "kind"))),
          note: optional(immutable(text("A text that may go, but not change."))),
        }),
        status: optional(
          object("What is known.", {
            offset: optional(int64("More than a JavaScript number holds.", { minimum: 0 })),
            error: optional(lastError("What went wrong.")),
            conditions: optional(conditions("Facts.")),
          }),
        ),
      }),
    },
  },
});
export type Sample = ObjectOf<typeof Sample>;
