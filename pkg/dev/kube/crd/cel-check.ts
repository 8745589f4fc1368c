import type { ASTNode, Environment } from "@marcbachmann/cel-js";
import { celEnvironment } from "./cel.ts";
import { celName } from "./cel-values.ts";
import {
  isEmbedded,
  isIntOrString,
  itemsOf,
  preserves,
  propertiesOf,
  type Schema,
  typeOf,
  valuesOf,
} from "./schema.ts";

/** What is wrong with an expression, in the words of the API server's compiler; or that only this server lacks something. */
export interface CelProblem {
  readonly message: string;
  readonly unsupported?: boolean;
}

/** Functions that the real server has and this one does not: rules that call them are refused, not misjudged. */
const realOnly = new Set([
  "url",
  "getScheme",
  "getHost",
  "getHostname",
  "getPort",
  "getEscapedPath",
  "getQuery",
  "quantity",
  "isInteger",
  "asInteger",
  "asApproximateFloat",
  "sign",
  "add",
  "sub",
  "isGreaterThan",
  "isLessThan",
  "compareTo",
  "ip",
  "isIP",
  "isCIDR",
  "cidr",
  "family",
  "isUnspecified",
  "isLoopback",
  "containsIP",
  "containsCIDR",
  "masked",
  "prefixLength",
  "semver",
  "isSemver",
  "format",
  "named",
  "validate",
  "flatten",
  "slice",
  "distinct",
  "reverse",
  "sort",
  "sets",
  "authorizer",
  "lastIndexOf",
  "replace",
  "substring",
  "trim",
]);

/** Where an expression stands. */
export interface CelPlace {
  readonly schema: Schema;
  /** True for the schema of a whole object. */
  readonly root: boolean;
  /** True when oldSelf is an optional. */
  readonly isOldOptional: boolean;
}

/** Checks that an expression fits the schema that it stands in. `wants` is the type that it must have. */
export function checkCel(expression: string, place: CelPlace, wants: "bool" | "string"): CelProblem | undefined {
  const environment = celEnvironment(place.isOldOptional);
  const type = celType(place.schema, place.root);
  declare(environment, "self", type);
  if (!place.isOldOptional) declare(environment, "oldSelf", type);
  let parsed: ReturnType<Environment["parse"]>;
  try {
    parsed = environment.parse(expression);
  } catch (thrown) {
    return { message: syntaxMessage(expression, thrown as CelError) };
  }
  const result = parsed.check();
  if (result.valid) return wrongResult(String(result.type), wants);
  return compileMessage(expression, result.error as CelError, parsed.ast);
}

interface CelError extends Error {
  readonly code?: string;
  readonly range?: { readonly start: number; readonly end: number };
}

function wrongResult(type: string, wants: "bool" | "string"): CelProblem | undefined {
  if (type === wants || type === "dyn") return undefined;
  return {
    message:
      wants === "bool" ? "cel expression must evaluate to a bool" : "messageExpression must evaluate to a string",
  };
}

function declare(environment: Environment, name: string, type: CelType): void {
  if (typeof type === "string") environment.registerVariable(name, type);
  else environment.registerVariable({ name, schema: type });
}

type CelType = string | { [field: string]: CelType };

const scalars: Readonly<Record<string, string>> = { integer: "int", number: "double", boolean: "bool" };
const formats: Readonly<Record<string, string>> = {
  "date-time": "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
  byte: "bytes",
};

/** The CEL type of a schema; dyn where its parts are not known. */
function celType(schema: Schema, root: boolean): CelType {
  if (isIntOrString(schema) || schema["nullable"] === true) return "dyn";
  const type = typeOf(schema);
  if (type === "string") return formats[String(schema["format"])] ?? "string";
  if (type === "array") return `list<${inner(itemsOf(schema))}>`;
  if (type !== "object") return scalars[type] ?? "dyn";
  const values = valuesOf(schema);
  if (values !== undefined) return `map<string, ${inner(values)}>`;
  const fields: { [field: string]: CelType } =
    root || isEmbedded(schema)
      ? { apiVersion: "string", kind: "string", metadata: { name: "string", generateName: "string" } }
      : {};
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    const field = celName(name);
    if (field !== undefined && field !== "metadata" && !hidden(property)) fields[field] = celType(property, false);
  }
  return Object.keys(fields).length === 0 ? "dyn" : fields;
}

const inner = (schema: Schema | undefined): string => {
  const type = schema === undefined ? "dyn" : celType(schema, false);
  return typeof type === "string" ? type : "dyn";
};

/** Parts without a type are out of the reach of rules. */
const hidden = (schema: Schema): boolean => preserves(schema) && typeOf(schema) === "";

function compileMessage(expression: string, error: CelError, ast: ASTNode): CelProblem | undefined {
  const first = error.message.split("\n")[0] ?? "";
  const start = error.range?.start ?? 0;
  const missing = /^No such key: (.*)$/.exec(first);
  if (missing) return at(expression, start - 1, `undefined field '${missing[1]}'`);
  const scalar = /^Cannot index type '(.*)'$/.exec(first);
  if (scalar) return at(expression, start - 1, `type '${typeName(scalar[1] ?? "")}' does not support field selection`);
  const operator = /^no such overload: (.+) (==|!=|<=|>=|<|>|\+|-|\*|\/|%|in) (.+)$/.exec(first);
  if (operator) return overload(expression, operator, error, ast);
  const call = /^found no matching overload for '(?:(.*)\.)?(\w+)\((.*)\)'$/.exec(first);
  if (call) return unknownCall(expression, start, call);
  return at(expression, start, first);
}

function overload(
  expression: string,
  [, left = "", operator = "", right = ""]: RegExpExecArray,
  error: CelError,
  ast: ASTNode,
): CelProblem | undefined {
  // The checker knows no equality of objects; the real one does.
  if (left.startsWith("$") || right.startsWith("$")) return undefined;
  const node = findNode(ast, error.range?.start ?? 0, error.range?.end ?? 0);
  const leftEnd = Array.isArray(node?.args) ? ((node.args[0] as ASTNode).range?.end ?? 0) : 0;
  const position = expression.indexOf(operator, leftEnd);
  const name = operator === "in" ? "@in" : `_${operator}_`;
  return at(
    expression,
    position,
    `found no matching overload for '${name}' applied to '(${typeName(left)}, ${typeName(right)})'`,
  );
}

function unknownCall(expression: string, start: number, [, , name = ""]: RegExpExecArray): CelProblem {
  if (realOnly.has(name)) return { message: `the function ${name}`, unsupported: true };
  const position = expression.indexOf(`${name}(`, start) + name.length;
  return at(expression, position, `undeclared reference to '${name}' (in container '')`);
}

function findNode(node: ASTNode, start: number, end: number): ASTNode | undefined {
  if (node.range?.start === start && node.range.end === end && typeof node.args !== "string") return node;
  const args: readonly unknown[] = Array.isArray(node.args) ? node.args.flat() : [node.args];
  for (const each of args) {
    const found =
      typeof each === "object" && each !== null && "op" in each ? findNode(each as ASTNode, start, end) : undefined;
    if (found) return found;
  }
  return undefined;
}

const typeName = (type: string): string =>
  type
    .replaceAll("google.protobuf.Timestamp", "timestamp")
    .replaceAll("google.protobuf.Duration", "duration")
    .replaceAll("<", "(")
    .replaceAll(">", ")");

/** A message with the place it is about, drawn as the API server's compiler draws it. */
function at(expression: string, position: number, message: string): CelProblem {
  const before = expression.slice(0, Math.max(position, 0));
  const line = before.split("\n").length;
  const column = before.length - (before.lastIndexOf("\n") + 1);
  const shown = expression.split("\n")[line - 1] ?? "";
  return {
    message: `compilation failed: ERROR: <input>:${line}:${column + 1}: ${message}\n | ${shown}\n | ${".".repeat(column)}^`,
  };
}

const expected =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

function syntaxMessage(expression: string, error: CelError): string {
  const first = error.message.split("\n")[0] ?? "";
  const position = error.range?.start ?? expression.length;
  if (/got EOF/.test(first))
    return at(expression, position, `Syntax error: no viable alternative at input '.'`).message;
  const text = /Unexpected token: EOF/.test(first)
    ? `Syntax error: mismatched input '<EOF>' expecting ${expected}`
    : `Syntax error: ${first}`;
  return at(expression, position, text).message;
}
