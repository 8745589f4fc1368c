export { type CacheOptions, type Caches, type CachesOptions, createCaches } from "./caches.ts";
export {
  type Change,
  createInformer,
  type IndexFunction,
  type Informer,
  type InformerOptions,
  type InformerState,
} from "./informer.ts";
export { createReader, type Reader, type ReaderOptions } from "./reader.ts";
