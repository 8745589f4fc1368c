import { copy, equalJson, isObject, type Json, type JsonObject, setOwn } from "../wire/json.ts";

/** A patch that can not be read at all; the API server answers 400. */
export class PatchSyntaxError extends Error {}

/** A patch that does not fit the object; the API server answers 422. */
export class PatchApplyError extends Error {}

/** One operation of RFC 6902, as it was sent. */
export type JsonPatchOperation = JsonObject;

/** Reads an RFC 6902 patch. */
export function readJsonPatch(body: Json): JsonPatchOperation[] {
  if (!Array.isArray(body)) throw new PatchSyntaxError(cannotUnmarshal(body, "[]handlers.jsonPatchOp"));
  return body.map((each) => {
    if (!isObject(each)) throw new PatchSyntaxError(cannotUnmarshal(each, "handlers.jsonPatchOp"));
    return each;
  });
}

function cannotUnmarshal(value: Json, type: string): string {
  const word = isObject(value)
    ? "object"
    : Array.isArray(value)
      ? "array"
      : typeof value === "boolean"
        ? "bool"
        : typeof value;
  return `error decoding patch: json: cannot unmarshal ${word} into Go value of type ${type}`;
}

/** Applies the operations in order to a copy. `skipTest` is a planted fault. */
export function applyJsonPatch(document: Json, operations: readonly JsonPatchOperation[], skipTest = false): Json {
  let root = copy(document);
  for (const operation of operations) {
    const op = typeof operation["op"] === "string" ? operation["op"] : "unknown";
    const run = appliers[op];
    if (run === undefined) throw new PatchApplyError(`Unexpected kind: ${op}`);
    if (op === "replace" && operation["path"] === "") {
      root = whole(operation["value"]);
      continue;
    }
    if (op !== "test" || !skipTest) run(root, operation);
  }
  return root;
}

const appliers: Readonly<Record<string, (root: Json, operation: JsonPatchOperation) => void>> = {
  add: (root, operation) => {
    const path = textOf(operation, "path", "add operation failed to decode path");
    const found = find(root, path, `add operation does not apply: doc is missing path: "${path}"`);
    within(`error in add for path: '${path}'`, () => insert(found, operation["value"] ?? null));
  },
  remove: (root, operation) => {
    const path = textOf(operation, "path", "remove operation failed to decode path");
    const found = find(root, path, `remove operation does not apply: doc is missing path: "${path}"`);
    within(`error in remove for path: '${path}'`, () => drop(found));
  },
  replace: (root, operation) => {
    const path = textOf(operation, "path", "replace operation failed to decode path");
    const found = find(root, path, `replace operation does not apply: doc is missing path: ${path}`);
    // A key that is not there yet is no error for an object: the library behind the API server sets it.
    if (Array.isArray(found.holder)) {
      if (position(found, 0) === undefined)
        throw missing(`replace operation does not apply: doc is missing key: ${path}`);
    }
    set(found, operation["value"] ?? null);
  },
  move: (root, operation) => {
    const from = textOf(operation, "from", "move operation failed to decode from", "operation, missing from field");
    const source = find(root, from, `move operation does not apply: doc is missing from path: ${from}`);
    const moved = within(`error in move for path: '${source.key}'`, () => {
      const value = get(source);
      drop(source);
      return value;
    });
    const path = textOf(operation, "path", "move operation failed to decode path");
    const target = find(root, path, `move operation does not apply: doc is missing destination path: ${path}`);
    within(`error in move for path: '${path}'`, () => insert(target, moved ?? null));
  },
  copy: (root, operation) => {
    const from = textOf(operation, "from", "copy operation failed to decode from", "operation, missing from field");
    const source = find(root, from, `copy operation does not apply: doc is missing from path: ${from}`);
    const copied = within(`error in copy for from: '${from}'`, () => copy(get(source)));
    const path = textOf(operation, "path", "copy operation failed to decode path");
    const target = find(root, path, `copy operation does not apply: doc is missing destination path: ${path}`);
    within("error while adding value during copy", () => insert(target, copied ?? null));
  },
  test: (root, operation) => {
    const path = textOf(operation, "path", "test operation failed to decode path");
    const wanted = operation["value"] ?? null;
    const failed = new PatchApplyError(`testing value ${path} failed: test failed`);
    if (path === "") {
      if (!equalJson(root, wanted)) throw failed;
      return;
    }
    const found = find(root, path, `test operation does not apply: is missing path: ${path}`);
    const value = within(`error in test for path: '${path}'`, () => get(found)) ?? null;
    if (!equalJson(value, wanted)) throw failed;
  },
};

function whole(value: Json | undefined): Json {
  if (isObject(value) || Array.isArray(value)) return copy(value);
  throw new PatchApplyError("replace operation value must be object or array: unknown object type");
}

const missing = (what: string): PatchApplyError => new PatchApplyError(`${what}: missing value`);

function textOf(operation: JsonPatchOperation, field: "path" | "from", what: string, inner?: string): string {
  const value = operation[field];
  if (typeof value === "string") return value;
  throw missing(`${what}: ${inner ?? "operation missing path field"}`);
}

function within<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    throw thrown instanceof PatchApplyError ? new PatchApplyError(`${what}: ${thrown.message}`) : thrown;
  }
}

/** The object or list that holds the last part of a path. */
interface Place {
  readonly holder: JsonObject | Json[];
  readonly key: string;
}

const decode = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

function find(root: Json, path: string, complaint: string): Place {
  const parts = path.split("/");
  if (parts.length < 2) throw missing(complaint);
  const key = decode(parts.pop() ?? "");
  let holder: Json | undefined = root;
  for (const part of parts.slice(1)) holder = step(holder, decode(part));
  if (!isObject(holder) && !Array.isArray(holder)) throw missing(complaint);
  return { holder, key };
}

function step(holder: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(holder)) return /^-?\d+$/.test(key) ? holder.at(Number(key)) : undefined;
  return isObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

/** The index that a key means in a list with `extra` places behind its end, or nothing when there is none. */
function position({ holder, key }: Place, extra: number): number | undefined {
  if (!/^[+-]?\d+$/.test(key)) return undefined;
  const length = holder.length as number;
  const index = Number(key) < 0 ? Number(key) + length + extra : Number(key);
  return index >= 0 && index < length + extra ? index : undefined;
}

function checkedPosition(place: Place, extra: number): number {
  const found = position(place, extra);
  if (found !== undefined) return found;
  const { key } = place;
  if (/^[+-]?\d+$/.test(key))
    throw new PatchApplyError(`Unable to access invalid index: ${Number(key)}: invalid index referenced`);
  const atoi = `strconv.Atoi: parsing "${key}": invalid syntax`;
  throw new PatchApplyError(extra === 1 ? `value was not a proper array index: '${key}': ${atoi}` : atoi);
}

function get(place: Place): Json | undefined {
  if (Array.isArray(place.holder)) return place.holder[checkedPosition(place, 0)];
  return Object.hasOwn(place.holder, place.key) ? place.holder[place.key] : undefined;
}

function set(place: Place, value: Json): void {
  if (Array.isArray(place.holder)) place.holder[checkedPosition(place, 0)] = value;
  else setOwn(place.holder, place.key, value);
}

function insert(place: Place, value: Json): void {
  const { holder, key } = place;
  if (!Array.isArray(holder)) setOwn(holder, key, value);
  else if (key === "-") holder.push(value);
  else holder.splice(checkedPosition(place, 1), 0, value);
}

function drop(place: Place): void {
  if (Array.isArray(place.holder)) {
    place.holder.splice(checkedPosition(place, 0), 1);
    return;
  }
  if (!Object.hasOwn(place.holder, place.key)) throw missing(`Unable to remove nonexistent key: ${place.key}`);
  delete place.holder[place.key];
}
