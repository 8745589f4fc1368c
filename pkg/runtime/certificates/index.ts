export {
  type Authority,
  type AuthorityOptions,
  type CertificateWish,
  createAuthority,
  type KeyPair,
} from "./authority.ts";
export { makeServerCertificate, type ServerCertificate } from "./server-certificate.ts";
