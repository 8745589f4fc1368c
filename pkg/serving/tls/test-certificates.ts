/** Certificates for tests, made on the spot. */
import { createAuthority } from "../../runtime/certificates/index.ts";

export interface TestAuthority {
  readonly pem: string;
  /** A server certificate for localhost and 127.0.0.1. */
  issue(commonName: string, notAfter?: Date): Promise<TestPair>;
}

export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of its own. */
export async function testAuthority(): Promise<TestAuthority> {
  const authority = await createAuthority({ name: "CN=Test authority" });
  return {
    pem: authority.caPem,
    issue: async (commonName, notAfter) => {
      const wish = { subject: `CN=${commonName}`, hosts: ["localhost", "127.0.0.1"] };
      const pair = await authority.issue(notAfter === undefined ? wish : { ...wish, notAfter });
      return { cert: pair.certPem, key: pair.keyPem };
    },
  };
}
