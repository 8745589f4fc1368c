export { type KubeConfig, type LoadOptions, loadKubeConfig } from "../config/index.ts";
export {
  ApiError,
  type ApiErrorFields,
  isAlreadyExists,
  isConflict,
  isExpired,
  isForbidden,
  isInvalid,
  isNotFound,
  type StatusCause,
  type StatusDetails,
} from "./api-error.ts";
export type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  GetOptions,
  KubeClient,
  ListOf,
  ListOptions,
  ObjectRef,
  Patch,
  RawRequest,
  RawResponse,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts";
export { createKubeClient, type KubeClientOptions } from "./create.ts";
export { clientMetrics } from "./metrics.ts";
export { type KubeFlags, shareKubeClient } from "./share.ts";
