/** Points at an object of any kind (core/v1 ObjectReference). */
export interface ObjectReference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

/** Points at a Secret of any namespace. */
export interface SecretReference {
  name?: string;
  namespace?: string;
}

/** Points at an object of a kind that the surrounding field fixes, or of a group's kind. */
export interface TypedLocalObjectReference {
  apiGroup?: string;
  kind: string;
  name: string;
}

/** As TypedLocalObjectReference, possibly in another namespace (needs a ReferenceGrant there). */
export interface TypedObjectReference extends TypedLocalObjectReference {
  namespace?: string;
}

/** metav1.LabelSelector: all given requirements must hold. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

/** One requirement of a selector; `values` goes with In and NotIn. */
export interface LabelSelectorRequirement {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  values?: string[];
}

/** metav1.Condition, as in the status of many kinds. */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  observedGeneration?: number;
  /** RFC 3339; moves only when `status` changes. */
  lastTransitionTime: string;
  reason: string;
  message: string;
}
