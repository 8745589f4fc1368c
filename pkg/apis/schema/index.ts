export {
  type CrdVersion,
  CustomResourceDefinition,
  type JsonSchema,
  type PrinterColumn,
  type ValidationRule,
} from "./custom-resource-definition.ts";
export {
  type Crd,
  type CrdDefinition,
  defineCrd,
  inVersion,
  type VersionDefinition,
  type VersionObject,
} from "./define-crd.ts";
export {
  bytes,
  dateTime,
  flag,
  immutable,
  immutableOnce,
  int64,
  integer,
  list,
  map,
  object,
  oneOf,
  optional,
  preserveUnknown,
  quantity,
  resourceName,
  type TextLimits,
  text,
  withDefault,
} from "./fields.ts";
export { parseJson, stringifyJson, withInt64 } from "./json.ts";
export {
  apiVersionOf,
  builtIn,
  type Kind,
  type KindNames,
  type KubeObject,
  type ObjectMeta,
  type ObjectOf,
  type OwnerReference,
} from "./kind.ts";
export { manifestOf } from "./manifest.ts";
export { InvalidObject, parse } from "./parse.ts";
export type { FieldProblem } from "./problem.ts";
export { exactlyOneOf, type Rule, together } from "./rule.ts";
export { readSecretAnnotations, type SecretAnnotations, secretAnnotations } from "./secret-annotations.ts";
export { conditions, lastError, objectReference } from "./shapes.ts";
