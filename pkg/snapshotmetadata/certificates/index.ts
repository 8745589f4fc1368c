export { makeServerCertificate, type ServerCertificate } from "./server-certificate.ts";
