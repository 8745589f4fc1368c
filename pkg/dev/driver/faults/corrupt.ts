import type { BlockMetadata, GetMetadataAllocatedResponse } from "../../../gen/csi/v1/csi.ts";
import { BlockMetadataType } from "../../../gen/csi/v1/csi.ts";
import type { Corruption } from "./fault-plan.ts";

/** Both streams answer with the same shape. */
type Message = GetMetadataAllocatedResponse;

/** Where and how a stream breaks. */
export interface CorruptOptions {
  readonly how: Corruption;
  readonly atTuple: number;
  readonly blockSize: number;
}

/** The tuple to break, the one before it, and the message it stands in. */
interface Spot {
  readonly message: Message;
  readonly at: number;
  readonly tuple: BlockMetadata;
  readonly previous: BlockMetadata;
}

/** Passes the messages on, broken from tuple `atTuple` on. A stream with fewer tuples stays whole. */
export async function* corrupted(messages: AsyncIterable<Message>, options: CorruptOptions): AsyncGenerator<Message> {
  let seen = 0;
  let previous: BlockMetadata = { byteOffset: 0n, sizeBytes: BigInt(options.blockSize) };
  let change: ((message: Message) => Message) | undefined;
  for await (const message of messages) {
    const at = options.atTuple - seen;
    const tuple = message.blockMetadata[at];
    seen += message.blockMetadata.length;
    if (tuple !== undefined && change === undefined) {
      const spot = { message, at, tuple, previous: message.blockMetadata[at - 1] ?? previous };
      const broken = breaks[options.how](spot, options);
      change = broken.rest ?? same;
      yield* broken.now;
    } else {
      yield change === undefined ? message : change(message);
    }
    previous = message.blockMetadata.at(-1) ?? previous;
  }
}

interface Broken {
  readonly now: readonly Message[];
  /** What happens to the messages that follow. */
  readonly rest?: (message: Message) => Message;
}

const same = (message: Message): Message => message;

const breaks: Record<Corruption, (spot: Spot, options: CorruptOptions) => Broken> = {
  "wrong-order": ({ message, previous }) => ({ now: [message, { ...message, blockMetadata: [previous] }] }),
  overlap: (spot) => replaced(spot, { ...spot.tuple, byteOffset: end(spot.previous) - spot.previous.sizeBytes / 2n }),
  "zero-size": (spot) => replaced(spot, { ...spot.tuple, sizeBytes: 0n }),
  "beyond-capacity": (spot) => replaced(spot, { ...spot.tuple, sizeBytes: spot.message.volumeCapacityBytes }),
  "drop-tuple": (spot) => replaced(spot),
  "before-start": ({ message }, { blockSize }) => ({
    now: [{ ...message, blockMetadata: [{ byteOffset: 0n, sizeBytes: BigInt(blockSize) }] }, message],
  }),
  "wrong-type": (spot) => from(spot, (message) => ({ ...message, blockMetadataType: other(message) })),
  "capacity-change": (spot, { blockSize }) =>
    from(spot, (message) => ({
      ...message,
      volumeCapacityBytes: message.volumeCapacityBytes + BigInt(blockSize),
    })),
};

function end(tuple: BlockMetadata): bigint {
  return tuple.byteOffset + tuple.sizeBytes;
}

function other(message: Message): BlockMetadataType {
  const isFixed = message.blockMetadataType === BlockMetadataType.FIXED_LENGTH;
  return isFixed ? BlockMetadataType.VARIABLE_LENGTH : BlockMetadataType.FIXED_LENGTH;
}

function replaced({ message, at }: Spot, ...tuples: BlockMetadata[]): Broken {
  return { now: [{ ...message, blockMetadata: message.blockMetadata.toSpliced(at, 1, ...tuples) }] };
}

/** The tuples before the spot go unchanged, in a message of their own; all from the spot on is changed. */
function from({ message, at }: Spot, change: (message: Message) => Message): Broken {
  const before = at === 0 ? [] : [{ ...message, blockMetadata: message.blockMetadata.slice(0, at) }];
  const after = { ...message, blockMetadata: message.blockMetadata.slice(at) };
  return { now: [...before, change(after)], rest: change };
}
