import type { BlockType } from "../blocks/tuples.ts";
import type { Store } from "../store/store.ts";

/** What the metadata handlers share. */
export interface MetadataContext {
  readonly store: Store;
  /** Bytes. */
  readonly blockSize: number;
  readonly blockType: BlockType;
}
