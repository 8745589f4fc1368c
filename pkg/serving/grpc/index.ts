export { type CallTracker, callTracker } from "./call-tracker.ts";
export { type GrpcListen, listenGrpc } from "./listen.ts";
export { type GracefulStop, stopGracefully } from "./stop-gracefully.ts";
