import type { CrdVersion, CustomResourceDefinition, JsonSchema } from "./custom-resource-definition.ts";
import { type Crd, inVersion } from "./define-crd.ts";
import { structural } from "./structural.ts";

/** The CustomResourceDefinition of a kind, ready to be applied or written as YAML. */
export function manifestOf(crd: Crd): CustomResourceDefinition {
  const { definition } = crd;
  const { group, kind, plural, scope, versions, annotations, shortNames } = definition;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, ...(annotations === undefined ? {} : { annotations: { ...annotations } }) },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: definition.singular ?? kind.toLowerCase(),
        ...(shortNames === undefined ? {} : { shortNames: [...shortNames] }),
      },
      scope,
      versions: Object.keys(versions).map((version) => manifestVersion(inVersion(crd, version))),
    },
  };
}

function manifestVersion({ definition, schema, version: name }: Crd): CrdVersion {
  const version = definition.versions[name];
  if (version === undefined) throw new Error(`${definition.kind} has no version ${name}`);
  return {
    name,
    served: version.served,
    storage: version.storage,
    ...(version.deprecated === undefined ? {} : { deprecated: true, deprecationWarning: version.deprecated }),
    schema: { openAPIV3Schema: openMetadata(structural(schema)) },
    subresources: version.subresources?.status ? { status: {} } : {},
    ...(version.printerColumns === undefined ? {} : { additionalPrinterColumns: [...version.printerColumns] }),
  };
}

/** The API server sees to metadata; no original asks for it, and neither do we. */
function openMetadata({ required = [], ...schema }: JsonSchema): JsonSchema {
  const asked = required.filter((each) => each !== "metadata");
  return asked.length === 0 ? schema : { ...schema, required: asked };
}
