type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Equal as JSON: order of fields does not matter, undefined fields are absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, at) => sameJson(each, b[at]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => sameJson(a[name], b[name]));
}

/** The RFC 7386 merge patch that turns `from` into `to`; undefined when they are equal. */
export function mergeDifference(from: unknown, to: unknown): unknown {
  if (sameJson(from, to)) return undefined;
  if (!isObject(from) || !isObject(to)) return to;
  const patch: Json = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (to[name] === undefined) {
      if (from[name] !== undefined) patch[name] = null;
    } else {
      const difference = mergeDifference(from[name], to[name]);
      if (difference !== undefined) patch[name] = difference;
    }
  }
  return patch;
}
