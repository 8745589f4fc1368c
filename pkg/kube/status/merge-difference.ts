type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** As the API server sees it: a field that is null or undefined is not there. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null;

/** Equal as JSON: order of fields does not matter, absent fields are equal, and so are 5 and 5n. */
function sameJson(a: unknown, b: unknown): boolean {
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, at) => sameJson(each, b[at]));
  if (!isObject(a) || !isObject(b)) return a === b || sameNumber(a, b);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => sameJson(a[name], b[name]));
}

/** Whole numbers come as bigint or number, depending on who made them. */
function sameNumber(a: unknown, b: unknown): boolean {
  const numbers = [a, b].every((each) => typeof each === "number" || typeof each === "bigint");
  return numbers && String(a) === String(b);
}

/** The RFC 7386 merge patch that turns `from` into `to`; undefined when they are equal. */
export function mergeDifference(from: unknown, to: unknown): unknown {
  if (sameJson(from, to)) return undefined;
  if (!isObject(from) || !isObject(to)) return isAbsent(to) ? null : to;
  const patch: Json = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const difference = mergeDifference(from[name], to[name]);
    if (difference !== undefined) patch[name] = difference;
  }
  return patch;
}
