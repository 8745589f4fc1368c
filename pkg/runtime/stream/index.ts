export { type Drainable, drained, StreamGoneError } from "./drained.ts";
export { forEachLimited, mapAsync, readLimited, TooLargeError } from "./iterate.ts";
export { type BoundedPipe, boundedPipe, PipeClosedError, type PipeOptions } from "./pipe.ts";
