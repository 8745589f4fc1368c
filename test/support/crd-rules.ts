import { type Crd, type JsonSchema, manifestOf } from "../../pkg/apis/schema/index.ts";

/** The folder names of every rule of a kind's own version: `spec.source.exactly-one-of-a-and-b-must-be-set`. */
export function ruleNames(crd: Crd): string[] {
  const version = manifestOf(crd).spec.versions.find((each) => each.name === crd.version);
  if (version === undefined) throw new Error(`${crd.kind} has no version ${crd.version}`);
  return rulesOf(version.schema.openAPIV3Schema, "");
}

function rulesOf(schema: JsonSchema, path: string): string[] {
  const here = (rule: string): string => (path === "" ? rule : `${path}.${rule}`);
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => rulesOf(child, here(name)));
  return [
    ...limits.filter((limit) => schema[limit] !== undefined).map((limit) => here(kebab(limit))),
    ...(schema.format !== undefined && schema.format !== "int64" ? [here("format")] : []),
    ...(schema["x-kubernetes-list-type"] === "map" ? [here("unique")] : []),
    ...(schema["x-kubernetes-validations"] ?? []).map(({ message }) => here(kebab(message))),
    ...(schema.required ?? []).map((field) => here(`${field}.required`)),
    ...children,
    ...(schema.items === undefined ? [] : rulesOf(schema.items, here("items"))),
  ];
}

const limits = ["enum", "minLength", "maxLength", "minimum", "maximum", "maxItems", "pattern", "default"] as const;

function kebab(words: string): string {
  return words
    .replaceAll(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}
