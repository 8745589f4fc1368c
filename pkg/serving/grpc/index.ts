export { type CallTracker, callTracker } from "./call-tracker.ts";
export { type ConnectionGuard, type ConnectionRules, connectionGuard, peerAddress } from "./connection-guard.ts";
export { type GrpcListen, type GrpcListener, listenGrpc } from "./listen.ts";
export { routeGrpcLog } from "./route-log.ts";
export { type GracefulStop, stopGracefully } from "./stop-gracefully.ts";
