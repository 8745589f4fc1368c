import { secretFieldNames } from "./secret-fields.ts";

/** The values of all `csi_secret` fields of a request, wherever in it they stand. */
export function secretValuesOf(request: unknown): string[] {
  if (typeof request !== "object" || request === null || ArrayBuffer.isView(request)) return [];
  return Object.entries(request).flatMap(([field, value]) =>
    secretFieldNames.has(field) ? stringsIn(value) : secretValuesOf(value),
  );
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
