/**
 * Wrong behaviours that can be planted, one per feature, so that a test can show that the behaviour suite notices
 * each of them. The list is closed; a server without faults runs none of this.
 */
export const plantedFaults = [
  "skip-conflict-check",
  "no-pruning",
  "no-defaulting",
  "no-schema-validation",
  "no-cel",
  "no-transition-rules",
  "ignore-finalizers",
  "no-garbage-collection",
  "status-writes-spec",
  "frozen-generation",
  "generation-counts-metadata",
  "no-bookmarks",
  "watch-from-now",
  "never-expire",
  "ignore-limit",
  "forget-continue",
  "ignore-label-selector",
  "ignore-field-selector",
  "no-generate-name",
  "ignore-preconditions",
  "json-patch-skips-test",
  "merge-patch-keeps-null",
  "strategic-merge-replaces-lists",
  "dry-run-persists",
  "ignore-field-validation",
  "any-name",
  "any-namespace",
  "mutable-immutables",
  "no-table",
  "any-audience",
  "tokens-never-expire",
  "deleted-account-token",
  "allow-all",
  "allow-escalation",
  "terse-denial",
  "reviews-allow",
  "namespace-keeps-content",
  "crd-never-established",
  "crd-keeps-objects",
  "serves-unserved-versions",
  "discovery-forgets-subresources",
] as const;

/** Name of one planted wrong behaviour. */
export type PlantedFault = (typeof plantedFaults)[number];

/** Which faults are planted; absent and false mean the right behaviour. */
export type Faults = { readonly [F in PlantedFault]?: boolean };
