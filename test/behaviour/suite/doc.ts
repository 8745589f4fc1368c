/** An object, list or Status as it was answered. */
export interface Doc {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly generation?: number;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly status?: unknown;
  readonly items?: readonly Doc[];
  readonly [key: string]: unknown;
}
