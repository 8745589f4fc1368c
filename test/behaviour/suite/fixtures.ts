import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { testGroup } from "./resources.ts";
import { gadgetSchema, gaugeSchema, widgetSchema } from "./schemas.ts";

const statusSubresource = { subresources: { status: {} } };

/** The kinds of the suite: created once per run, before the first case. */
export const fixtureCrds: readonly object[] = [
  crd({ plural: "widgets", kind: "Widget", shortNames: ["wd"], categories: ["toys"] }, "Namespaced", [
    {
      ...served("v1", widgetSchema),
      ...statusSubresource,
      selectableFields: [{ jsonPath: ".spec.mode" }, { jsonPath: ".spec.size" }],
      additionalPrinterColumns: [
        { name: "Size", type: "integer", jsonPath: ".spec.size", description: "How big" },
        { name: "Mode", type: "string", jsonPath: ".spec.mode" },
        { name: "Tags", type: "string", jsonPath: ".spec.tags" },
        { name: "Ready", type: "boolean", jsonPath: ".status.ready", priority: 1 },
        { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
      ],
    },
  ]),
  crd({ plural: "gauges", kind: "Gauge" }, "Namespaced", [served("v1", gaugeSchema)]),
  crd({ plural: "gadgets", kind: "Gadget" }, "Cluster", [
    { ...served("v1", gadgetSchema), ...statusSubresource },
    {
      ...served("v1alpha1", gadgetSchema),
      ...statusSubresource,
      storage: false,
      deprecated: true,
      deprecationWarning: "gadgets v1alpha1 goes away; use v1",
    },
    { ...served("v1beta1", gadgetSchema), ...statusSubresource, storage: false, served: false },
  ]),
];

interface NamesOfKind {
  readonly plural: string;
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** A CustomResourceDefinition in the group of the run. */
export function crd(names: NamesOfKind, scope: "Namespaced" | "Cluster", versions: readonly object[]): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${names.plural}.${testGroup}` },
    // Whole, so that a server that fills in nothing can still serve it.
    spec: {
      group: testGroup,
      scope,
      names: { singular: names.kind.toLowerCase(), listKind: `${names.kind}List`, ...names },
      versions,
      conversion: { strategy: "None" },
    },
  };
}

/** One served and stored version. */
export function served(name: string, schema: object): object {
  return { name, served: true, storage: true, schema: { openAPIV3Schema: schema } };
}

const manifests = join(import.meta.dirname, "..", "..", "..", "deploy", "crds");

/** The kinds that the product brings along, as people deploy them. They may be on the server already. */
export function productCrds(): readonly object[] {
  return readdirSync(manifests).map((name) => parse(readFileSync(join(manifests, name), "utf8")) as object);
}
