import { builtinStrategy, statusStrategy } from "../builtin/built-in-kind.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import { builtinResource } from "../builtin/resources.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { Call, Machine } from "../registry/context.ts";
import type { Deletes } from "../registry/deletes.ts";
import type { Resource } from "../registry/resource.ts";
import type { JsonObject } from "../wire/json.ts";
import { dnsSubdomain } from "../wire/names.ts";
export interface CustomResourcesDeps {
  readonly machine: Machine;
  readonly catalog: Catalog;
  readonly types: GoTypes;
  readonly deletes: Deletes;
  readonly call: Call;
}
export class CustomResources {
  readonly definitionResource: Resource;
  constructor({ types, machine }: CustomResourcesDeps) {
    this.definitionResource = builtinResource(
      {
        group: "apiextensions.k8s.io",
        resource: "customresourcedefinitions",
        struct: "apiextensions.v1.CustomResourceDefinition",
        checkName: dnsSubdomain,
      },
      types,
      machine.faults,
    );
    void builtinStrategy;
    void statusStrategy;
  }
  step(): boolean {
    return false;
  }
  listenOnce(_r: Resource, _f: () => void): void {}
  schemaOf(_g: string, _v: string, _p: string): JsonObject | undefined {
    return undefined;
  }
}
