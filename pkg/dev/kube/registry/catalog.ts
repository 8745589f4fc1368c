import type { Resource } from "./resource.ts";

/** The resources on offer, by group, version and plural name. Custom ones come and go. */
export class Catalog {
  readonly #resources = new Map<string, Resource>();
  readonly #listeners = new Set<() => void>();

  add(resource: Resource): void {
    this.#resources.set(keyOf(resource.group, resource.version, resource.resource), resource);
    this.#changed();
  }

  remove(group: string, version: string, plural: string): void {
    if (this.#resources.delete(keyOf(group, version, plural))) this.#changed();
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(keyOf(group, version, plural));
  }

  /** Any served version of a resource. */
  anyVersion(group: string, plural: string): Resource | undefined {
    return this.all().find((each) => each.group === group && each.resource === plural);
  }

  /** The resource behind an apiVersion and a kind, as owner references name it. */
  byKind(group: string, version: string, kind: string): Resource | undefined {
    return this.all().find((each) => each.group === group && each.version === version && each.kind === kind);
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  /** Group names in the order of their first resource, the core group first. */
  groups(): string[] {
    return [...new Set(this.all().map((each) => each.group))];
  }

  versions(group: string): string[] {
    const found = this.all().filter((each) => each.group === group);
    return [...new Set(found.map((each) => each.version))].sort(compareVersions);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

const keyOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`;

/** Orders versions as Kubernetes does: v2, v1, v1beta2, v1beta1, v1alpha1, others by name. */
export function compareVersions(a: string, b: string): number {
  const left = rank(a);
  const right = rank(b);
  for (let at = 0; at < left.length; at += 1) {
    const difference = (right[at] ?? 0) - (left[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return [0, 0, 0, 0];
  const stage = match[2] === undefined ? 3 : match[2] === "beta" ? 2 : 1;
  return [1, stage, Number(match[1]), Number(match[3] ?? 0)];
}
