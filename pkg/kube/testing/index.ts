export { type Authority, createAuthority, type Pair } from "./certificates.ts";
