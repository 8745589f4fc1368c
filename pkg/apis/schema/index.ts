export {
  apiVersionOf,
  type Kind,
  type KubeObject,
  type ObjectMeta,
  type ObjectOf,
  type OwnerReference,
} from "./kind.ts";
