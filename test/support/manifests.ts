import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../pkg/apis/schema/index.ts";
import type { KubeClient } from "../../pkg/kube/client/index.ts";

const folder = join(import.meta.dirname, "../../deploy");

/** One document of a file in deploy/. `file` is its path there. */
export interface Manifest {
  readonly file: string;
  readonly object: KubeObject & Record<string, unknown>;
}

/** Every document of the files below deploy/ that match. */
export async function manifests(pattern = "**/*.yaml"): Promise<Manifest[]> {
  const files = globSync(pattern, { cwd: folder }).toSorted();
  const read = files.map(async (file) => {
    const documents = parseAllDocuments(await readFile(join(folder, file), "utf8"), { strict: true, uniqueKeys: true });
    const wrong = documents.flatMap((each) => [...each.errors, ...each.warnings]);
    if (wrong.length > 0) throw new AggregateError(wrong, file);
    return documents.map((each) => ({ file, object: each.toJS() as Manifest["object"] }));
  });
  return (await Promise.all(read)).flat();
}

/** The only document of this kind in the file. */
export async function manifest(file: string, kind: string): Promise<Manifest["object"]> {
  const found = (await manifests(file)).filter(({ object }) => object.kind === kind);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${file} holds ${found.length} of kind ${kind}`);
  return found[0].object;
}

/** Path of a file in deploy/. */
export const deployPath = (file: string): string => join(folder, file);

/** What became of an object: `not served` when the server does not know its kind. */
export type Applied = "applied" | "not served";

/** Creates the object, or changes the one that is there, as strictly as the server can: unknown fields are refused. */
export async function apply(admin: KubeClient, object: Manifest["object"]): Promise<Applied> {
  const { apiVersion = "", kind = "", metadata } = object;
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const resource = await resourceOf(admin, root, kind);
  if (resource === undefined) return "not served";
  const path = `${root}${resource.namespaced ? `/namespaces/${metadata.namespace}` : ""}/${resource.name}`;
  const query = { fieldValidation: "Strict" };
  const created = await admin.raw({ method: "POST", path, query, body: object });
  if (created.status === 201) return "applied";
  if (created.status !== 409) throw new Error(`${kind} ${metadata.name}: ${created.status} ${created.body}`);
  const headers = { "content-type": "application/merge-patch+json" };
  const one = `${path}/${metadata.name}`;
  const changed = await admin.raw({ method: "PATCH", path: one, query, body: JSON.stringify(object), headers });
  if (changed.status === 200) return "applied";
  throw new Error(`${kind} ${metadata.name}: ${changed.status} ${changed.body}`);
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

async function resourceOf(admin: KubeClient, root: string, kind: string): Promise<Resource | undefined> {
  const { status, body } = await admin.raw({ method: "GET", path: root });
  if (status === 404) return undefined;
  const { resources } = JSON.parse(body.toString("utf8")) as { resources: Resource[] };
  return resources.find((each) => each.kind === kind && !each.name.includes("/"));
}
