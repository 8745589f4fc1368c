export {
  type CrdVersion,
  CustomResourceDefinition,
  type JsonSchema,
  type PrinterColumn,
  type ValidationRule,
} from "./custom-resource-definition.ts";
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
