import { type Json, type JsonObject, objectAt, textAt } from "../wire/json.ts";
import type { Column } from "./columns.ts";

/** What a Table is made of; the objects are in stored form. */
export interface TableInput {
  readonly columns: readonly Column[];
  readonly objects: readonly JsonObject[];
  readonly listMeta: JsonObject;
  readonly metaVersion: string;
  readonly now: number;
  /** How much of each object goes along. */
  readonly include: "None" | "Metadata" | "Object";
  /** Leaves the column definitions out, as later events of a watch do. */
  readonly noHeaders?: boolean;
  /** The object in the version that was asked for. */
  write(stored: JsonObject): JsonObject;
}

/** A meta.k8s.io Table of some objects. */
export function table(input: TableInput): JsonObject {
  const { columns, metaVersion } = input;
  const definitions = columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: input.listMeta,
    columnDefinitions: input.noHeaders ? null : definitions,
    rows: isPlain(columns) && input.objects.length === 0 ? null : input.objects.map((object) => row(object, input)),
  };
}

/** Kinds without columns of their own: the real server makes their tables elsewhere, with null for no rows. */
const isPlain = (columns: readonly Column[]): boolean => columns[1]?.name === "Created At";

function row(object: JsonObject, input: TableInput): JsonObject {
  return {
    cells: input.columns.map((column): Json => column.cell(object, input.now)),
    ...rowConditions(object),
    ...rowObject(object, input),
  };
}

function rowConditions(object: JsonObject): JsonObject {
  const phase = object["kind"] === "Pod" ? textAt(object, "status", "phase") : "";
  if (phase !== "Succeeded" && phase !== "Failed") return {};
  const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return { conditions: [{ type: "Completed", status: "True", reason: phase, message }] };
}

function rowObject(object: JsonObject, { include, metaVersion, write }: TableInput): JsonObject {
  if (include === "None") return { object: null };
  return { object: include === "Object" ? write(object) : partial(object, metaVersion) };
}

/** The metadata of an object, as PartialObjectMetadata. */
export function partial(object: JsonObject, metaVersion: string): JsonObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${metaVersion}`,
    metadata: objectAt(object, "metadata"),
  };
}
