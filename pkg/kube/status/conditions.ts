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

/** The API's own limit for a message, characters. */
const messageLimit = 32_768;

/**
 * The list with this condition set: sorted by type, message trimmed to 32 768 characters, transition time moved only when the
 * status flips. Returns the same array when nothing changes. `now`: milliseconds since the epoch.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  wish: ConditionWish,
  now: number,
): readonly Condition[] {
  const before = conditions ?? [];
  const known = before.find((each) => each.type === wish.type);
  const message = trimmed(wish.message);
  const same =
    known?.status === wish.status &&
    known.reason === wish.reason &&
    known.message === message &&
    known.observedGeneration === wish.observedGeneration;
  if (same) return before;
  const lastTransitionTime =
    known?.status === wish.status ? known.lastTransitionTime : new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  const { observedGeneration, ...rest } = wish;
  const condition = { ...rest, message, lastTransitionTime };
  const next = observedGeneration === undefined ? condition : { ...condition, observedGeneration };
  const others = before.filter((each) => each.type !== wish.type);
  return [...others, next].sort((a, b) => (a.type < b.type ? -1 : 1));
}

function trimmed(message: string): string {
  if (message.length <= messageLimit) return message;
  // Half of a surrogate pair would come back as another character, and never be equal again.
  return `${message.slice(0, messageLimit - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
