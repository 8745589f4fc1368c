/** metav1.Condition. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number | undefined;
}

export type ConditionWish = Omit<Condition, "lastTransitionTime">;

/**
 * The list with this condition set: sorted by type, message trimmed to 32 KiB, transition time moved only when the
 * status flips. Returns the same array when nothing changes.
 */
export function setCondition(
  _conditions: readonly Condition[] | undefined,
  _wish: ConditionWish,
  _now: number,
): readonly Condition[] {
  throw new Error("not yet");
}
