export { type Authority, createAuthority, type Pair } from "./certificates.ts";
export {
  type Received,
  reply,
  type Script,
  ScriptedServer,
  type ScriptedServerOptions,
  status,
} from "./scripted-server.ts";
