export { type CacheOptions, type Caches, type CachesOptions, createCaches } from "./caches.ts";
export { createInformer } from "./create-informer.ts";
export type { Change, IndexFunction, Informer, InformerOptions, InformerState } from "./informer.ts";
export { cacheMetrics } from "./metrics.ts";
export { createReader, type Reader, type ReaderOptions } from "./reader.ts";
