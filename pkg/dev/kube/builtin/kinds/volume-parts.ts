import { type FieldError, forbidden, notSupported, required } from "../../wire/field-error.ts";
import { type JsonObject, objectAt, textAt, textsAt } from "../../wire/json.ts";

/** What volumes and claims have in common. */

const modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/** `none` is what is said when there are no modes. */
export function accessModeErrors(list: readonly string[], path: string, none: string): FieldError[] {
  if (list.length === 0) return [required(path, none)];
  const wrong = list.filter((mode) => !modes.includes(mode)).map((mode) => notSupported(path, mode, modes));
  if (list.includes("ReadWriteOncePod") && list.some((mode) => mode !== "ReadWriteOncePod" && modes.includes(mode))) {
    wrong.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  }
  return wrong;
}

export function volumeModeErrors(spec: JsonObject): FieldError[] {
  const mode = textAt(spec, "volumeMode");
  if (mode === "" || mode === "Block" || mode === "Filesystem") return [];
  return [notSupported("spec.volumeMode", mode, ["Block", "Filesystem"])];
}

export function addFinalizer(object: JsonObject, finalizer: string): void {
  const meta = objectAt(object, "metadata");
  const finalizers = textsAt(meta, "finalizers");
  if (!finalizers.includes(finalizer)) meta["finalizers"] = [...finalizers, finalizer];
}
