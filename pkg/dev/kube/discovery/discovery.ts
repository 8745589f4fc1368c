import { createHash } from "node:crypto";
import type { Faults } from "../faults.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { Resource, Subresource } from "../registry/resource.ts";
import { byBytes, type JsonObject } from "../wire/json.ts";
import type { Listed } from "./listed.ts";
import { virtualResources } from "./virtual.ts";

/** Writes the discovery documents from the catalog. */
export class Discovery {
  readonly #catalog: Catalog;
  readonly #serverAddress: string;
  readonly #faults: Faults;

  constructor(catalog: Catalog, serverAddress: string, faults: Faults) {
    this.#faults = faults;
    this.#catalog = catalog;
    this.#serverAddress = serverAddress;
  }

  /** `/api` */
  apiVersions(): JsonObject {
    return {
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: this.#serverAddress }],
    };
  }

  /** `/apis` */
  groupList(): JsonObject {
    const groups = this.groups().map((group) => withoutKind(this.group(group) ?? {}));
    return { kind: "APIGroupList", apiVersion: "v1", groups };
  }

  /** `/apis/<group>` */
  group(group: string): JsonObject | undefined {
    const versions = this.versions(group).map((version) => ({ groupVersion: `${group}/${version}`, version }));
    if (versions.length === 0) return undefined;
    return { kind: "APIGroup", apiVersion: "v1", name: group, versions, preferredVersion: versions[0] ?? {} };
  }

  /** `/api/v1` and `/apis/<group>/<version>` */
  resources(group: string, version: string): JsonObject | undefined {
    const listed = this.listed(group, version);
    if (listed.length === 0) return undefined;
    const groupVersion = group === "" ? version : `${group}/${version}`;
    const resources = listed.sort((a, b) => byBytes(a.name, b.name)).map(line);
    return group === ""
      ? { kind: "APIResourceList", groupVersion, resources }
      : { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
  }

  /** The aggregated form of `/api` (core only) or `/apis` (all but core). */
  aggregated(core: boolean, version: string): JsonObject {
    const groups = core ? [""] : this.groups();
    return {
      kind: "APIGroupDiscoveryList",
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: groups.map((group) => ({
        metadata: { ...(group === "" ? {} : { name: group }), creationTimestamp: null },
        versions: this.versions(group).map((each) => this.#aggregatedVersion(group, each)),
      })),
    };
  }

  #aggregatedVersion(group: string, version: string): JsonObject {
    const listed = this.listed(group, version);
    const responseKind = (each: Listed): JsonObject => ({
      group: each.group ?? group,
      version: each.version ?? version,
      kind: each.kind,
    });
    const main = listed.filter((each) => !each.name.includes("/"));
    const resources = main.map((each): JsonObject => {
      const subs = listed.filter((other) => other.name.startsWith(`${each.name}/`));
      return {
        resource: each.name,
        responseKind: responseKind(each),
        scope: each.namespaced ? "Namespaced" : "Cluster",
        singularResource: each.singular,
        verbs: [...each.verbs],
        ...(each.shortNames.length === 0 ? {} : { shortNames: [...each.shortNames] }),
        ...(each.categories.length === 0 ? {} : { categories: [...each.categories] }),
        ...(subs.length === 0
          ? {}
          : {
              subresources: subs.map((sub) => ({
                subresource: sub.name.split("/")[1] ?? "",
                responseKind: responseKind(sub),
                verbs: [...sub.verbs],
              })),
            }),
      };
    });
    return { version, resources, freshness: "Current" };
  }

  groups(): string[] {
    const names = [...this.#catalog.groups(), ...virtualResources.map((each) => each.group)].filter(
      (each) => each !== "",
    );
    return [...new Set(names)].sort(byBytes);
  }

  versions(group: string): string[] {
    const stored = this.#catalog.versions(group);
    const virtual = virtualResources.filter((each) => each.group === group).map((each) => each.version);
    return [...new Set([...stored, ...virtual])];
  }

  listed(group: string, version: string): Listed[] {
    const stored = this.#catalog.all().filter((each) => each.group === group && each.version === version);
    const virtual = virtualResources.filter((each) => each.group === group && each.version === version);
    const all = [...stored.flatMap(listedOf), ...virtual.map((each) => each.listed)];
    return this.#faults["discovery-forgets-subresources"] ? all.filter((each) => !each.name.includes("/")) : all;
  }
}

function listedOf(resource: Resource): Listed[] {
  const main: Listed = {
    name: resource.resource,
    singular: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    shortNames: resource.shortNames,
    categories: resource.categories,
    hash: resource.storageHash,
  };
  return [main, ...resource.subresources.map((each) => listedSub(resource, each))];
}

function listedSub(resource: Resource, { name, kind, verbs, group, version }: Subresource): Listed {
  return {
    name: `${resource.resource}/${name}`,
    singular: "",
    namespaced: resource.namespaced,
    kind,
    ...(group === undefined ? {} : { group }),
    ...(version === undefined ? {} : { version }),
    verbs,
    shortNames: [],
    categories: [],
    hash: "",
  };
}

function line(listed: Listed): JsonObject {
  return {
    name: listed.name,
    singularName: listed.singular,
    namespaced: listed.namespaced,
    ...(listed.group === undefined ? {} : { group: listed.group }),
    ...(listed.version === undefined ? {} : { version: listed.version }),
    kind: listed.kind,
    verbs: [...listed.verbs],
    ...(listed.shortNames.length === 0 ? {} : { shortNames: [...listed.shortNames] }),
    ...(listed.categories.length === 0 ? {} : { categories: [...listed.categories] }),
    ...(listed.hash === "" ? {} : { storageVersionHash: listed.hash }),
  };
}

function withoutKind({ kind: _kind, apiVersion: _version, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** The hash by which clients notice that a storage version has changed. */
export function storageHash(group: string, version: string, kind: string): string {
  const text = group === "" ? `${version}/${kind}` : `${group}/${version}/${kind}`;
  return createHash("sha256").update(text).digest().subarray(0, 8).toString("base64");
}
