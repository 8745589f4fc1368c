/** Buffers of a few sizes, used again: what the collector would find late is most of the memory of a busy stream. */
export interface BufferPool {
  /** A buffer of at least this many bytes; what is in it is left over from another use. */
  take(bytes: number): Buffer;
  /** To be called when nobody reads the buffer any more. */
  giveBack(buffer: Buffer): void;
}

/** Sizes are multiples of this. */
const stepBytes = 64 * 1024;

/** A pool that keeps at most so many bytes for later. */
export function bufferPool(keptBytes: number): BufferPool {
  const spare = new Map<number, Buffer[]>();
  let kept = 0;
  return {
    take: (bytes) => {
      const size = Math.max(1, Math.ceil(bytes / stepBytes)) * stepBytes;
      const found = spare.get(size)?.pop();
      if (found === undefined) return Buffer.allocUnsafeSlow(size);
      kept -= size;
      return found;
    },
    giveBack: (buffer) => {
      if (buffer.length % stepBytes !== 0 || kept + buffer.length > keptBytes) return;
      const list = spare.get(buffer.length);
      if (list === undefined) spare.set(buffer.length, [buffer]);
      else list.push(buffer);
      kept += buffer.length;
    },
  };
}
