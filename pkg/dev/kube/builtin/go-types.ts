import tables from "./fixtures/built-in-types.json" with { type: "json" };

/** A field of a built-in type. Flags: o omitempty, z omitzero, m merge, k retainKeys, r replace. */
export interface GoField {
  readonly name: string;
  readonly type: GoType;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  readonly merge: boolean;
  readonly retainKeys: boolean;
  readonly mergeKey: string | undefined;
  /** Protobuf field numbers: one, or with that of an inlined struct before it. */
  readonly numbers: readonly number[];
}

/** A Go type, as far as its JSON form depends on it. `text` is what Go prints for it. */
export type GoType =
  | { readonly is: "pointer"; readonly to: GoType; readonly text: string }
  | { readonly is: "list"; readonly of: GoType; readonly text: string }
  | { readonly is: "map"; readonly of: GoType; readonly text: string }
  | { readonly is: "struct"; readonly name: string; readonly text: string }
  | { readonly is: "scalar"; readonly name: string; readonly text: string };

interface Tables {
  readonly structs: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly aliases: Readonly<Record<string, string>>;
  readonly resources: readonly DiscoveredResource[];
  readonly docs: Readonly<Record<string, string>>;
}

/** One line of the discovery document of a built-in group. */
export interface DiscoveredResource {
  readonly in: string;
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

const facts = tables as unknown as Tables;

/** What discovery says about the built-in resources on offer. */
export const discoveredResources: readonly DiscoveredResource[] = facts.resources;

/** The description that a Table column carries for a field such as `core.v1.Secret.type`. */
export function fieldDescription(field: string): string {
  return facts.docs[field] ?? "";
}

/** Answers questions about the built-in types; parses each type once. */
export class GoTypes {
  readonly #structs = new Map<string, ReadonlyMap<string, GoField>>();
  readonly #types = new Map<string, GoType>();

  has(struct: string): boolean {
    return facts.structs[struct] !== undefined;
  }

  /** The fields of a struct such as `core.v1.Secret`, in the order in which Go writes them. */
  fields(name: string): ReadonlyMap<string, GoField> {
    const known = this.#structs.get(name);
    if (known) return known;
    const rows = facts.structs[name];
    if (rows === undefined) throw new Error(`no built-in type ${name}`);
    const fields = new Map(rows.map((row) => [row[0] ?? "", this.#field(row)]));
    this.#structs.set(name, fields);
    return fields;
  }

  #field([name = "", type = "", flags = "", numbers = "", mergeKey]: readonly string[]): GoField {
    return {
      name,
      type: this.type(type),
      omitEmpty: flags.includes("o"),
      omitZero: flags.includes("z"),
      merge: flags.includes("m"),
      retainKeys: flags.includes("k"),
      mergeKey,
      numbers: numbers === "" ? [] : numbers.split(".").map(Number),
    };
  }

  type(text: string): GoType {
    const known = this.#types.get(text);
    if (known) return known;
    const made = this.#parse(text);
    this.#types.set(text, made);
    return made;
  }

  #parse(text: string): GoType {
    if (text.startsWith("*")) {
      const to = this.type(text.slice(1));
      return { is: "pointer", to, text: `*${to.text}` };
    }
    if (text === "[]byte") return { is: "scalar", name: "bytes", text: "[]uint8" };
    if (text.startsWith("[]")) {
      const of = this.type(text.slice(2));
      return { is: "list", of, text: `[]${of.text}` };
    }
    if (text.startsWith("map[string]")) {
      const of = this.type(text.slice("map[string]".length));
      return { is: "map", of, text: `map[string]${of.text}` };
    }
    const printed = text.split(".").slice(-2).join(".");
    const alias = facts.aliases[text];
    if (alias !== undefined) return { ...this.type(alias), text: printed };
    if (facts.structs[text] !== undefined) return { is: "struct", name: text, text: printed };
    return { is: "scalar", name: text, text: printed };
  }
}
