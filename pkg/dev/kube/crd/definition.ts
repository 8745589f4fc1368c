import type { BuiltinKind } from "../builtin/built-in-kind.ts";
import { keepField } from "../builtin/built-in-kind.ts";
import { fill } from "../builtin/codec.ts";
import { immutable } from "../registry/object-meta.ts";
import type { FieldError } from "../wire/field-error.ts";
import { at, equalSemantic, isObject, type JsonObject, listAt, objectAt, textAt, textsAt } from "../wire/json.ts";
import { definitionErrors, definitionNameErrors, storedVersionErrors } from "./definition-errors.ts";

/** The CustomResourceDefinition kind. */
export const definitionKind: BuiltinKind = {
  group: "apiextensions.k8s.io",
  resource: "customresourcedefinitions",
  struct: "apiextensions.v1.CustomResourceDefinition",
  // The name is spec.names.plural.spec.group; the complaint about another one comes with the others.
  checkName: () => [],
  unconditionalUpdate: false,
  defaults,
  prepareCreate(next) {
    next["status"] = {
      conditions: null,
      acceptedNames: { plural: "", kind: "" },
      storedVersions: storageVersions(next),
    };
    objectAt(next, "metadata")["generation"] = 1;
  },
  prepareUpdate(next, old) {
    keepField(next, old, "status");
    if (!equalSemantic(next["spec"], old["spec"])) {
      objectAt(next, "metadata")["generation"] = Number(at(old, "metadata", "generation") ?? 0) + 1;
    }
    const status = objectAt(next, "status");
    const stored = textsAt(status, "storedVersions");
    status["storedVersions"] = [...stored, ...storageVersions(next).filter((each) => !stored.includes(each))];
    next["status"] = status;
  },
  validate: (object) => [...definitionErrors(object), ...storedVersionErrors(object)],
  validateCreate: definitionNameErrors,
  validateUpdate: (next, old) => nameChanges(next, old),
};

function defaults(object: JsonObject): void {
  const spec = objectAt(object, "spec");
  const names = objectAt(spec, "names");
  const kind = textAt(names, "kind");
  fill(names, "singular", kind.toLowerCase(), "");
  if (kind !== "") fill(names, "listKind", `${kind}List`, "");
  spec["names"] = names;
  fill(spec, "conversion", { strategy: "None" });
  object["spec"] = spec;
  const status = objectAt(object, "status");
  if (textsAt(status, "storedVersions").length === 0 && storageVersions(object).length > 0) {
    status["storedVersions"] = storageVersions(object);
    object["status"] = status;
  }
}

const storageVersions = (object: JsonObject): string[] =>
  listAt(object, "spec", "versions")
    .filter((each) => isObject(each) && each["storage"] === true)
    .map((each) => textAt(each, "name"))
    .slice(0, 1);

function nameChanges(next: JsonObject, old: JsonObject): FieldError[] {
  const established = listAt(old, "status", "conditions").some(
    (each) => textAt(each, "type") === "Established" && textAt(each, "status") === "True",
  );
  const changed = (...path: string[]): FieldError[] =>
    textAt(next, "spec", ...path) === textAt(old, "spec", ...path)
      ? []
      : [immutable(["spec", ...path].join("."), textAt(next, "spec", ...path))];
  return [
    ...(established ? [...changed("scope"), ...changed("names", "kind")] : []),
    ...changed("group"),
    ...changed("names", "plural"),
  ];
}
