export type { Credentials, TlsMaterial } from "./credentials.ts";
export { type KubeConfig, type LoadOptions, loadKubeConfig } from "./load.ts";
