import { createAuthority, type KeyPair } from "./authority.ts";

/** PEM texts of a server and of the authority that vouches for it. */
export interface ServerCertificate extends KeyPair {
  readonly caPem: string;
}

/** Makes an authority of its own and one server certificate for these hosts, both good for a day. */
export async function makeServerCertificate(hosts: readonly string[]): Promise<ServerCertificate> {
  const authority = await createAuthority({ name: "CN=csi-data-protection development authority" });
  const pair = await authority.issue({ subject: "CN=server", hosts });
  return { caPem: authority.caPem, ...pair };
}
