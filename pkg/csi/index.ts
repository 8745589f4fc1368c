export { type CodeName, codeName, goCodeName, isFinalCode } from "./classify/codes.ts";
export { type Classification, classifyGrpc, DriverFailure, fromDriver, grpcCodeOf } from "./classify/driver-failure.ts";
export { parseSocketAddress, type SocketAddress } from "./connection/address.ts";
export { type ConnectOptions, connectDriver } from "./connection/connect.ts";
export type {
  CallOptions,
  DriverConnection,
  DriverState,
  PluginCapabilities,
  PluginInfo,
  ReadyOptions,
  StreamOptions,
  UnaryMethod,
} from "./connection/driver-connection.ts";
export type { ByteStream } from "./rpc/byte-stream.ts";
export type { CallEnd } from "./rpc/http2-status.ts";
export { driverOperations, migratableDriverOperations } from "./rpc/operation-metrics.ts";
export { scrub } from "./secrets/scrub.ts";
export { secretFieldNames, secretFields } from "./secrets/secret-fields.ts";
