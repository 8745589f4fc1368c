import { createAuthority as newAuthority } from "../../runtime/certificates/index.ts";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** An authority of a test, with what it signs. */
export interface Authority {
  readonly pem: string;
  /** For a server at these addresses, or for a client. */
  issue(name: string, addresses?: readonly string[]): Promise<Pair>;
}

/** A fresh self-signed authority. */
export async function createAuthority(name = "test authority"): Promise<Authority> {
  const authority = await newAuthority({ name: `CN=${name}` });
  return {
    pem: authority.caPem,
    async issue(subject, hosts = ["127.0.0.1"]) {
      const { certPem, keyPem } = await authority.issue({ subject: `CN=${subject}`, hosts, usage: "both" });
      return { cert: certPem, key: keyPem };
    },
  };
}
