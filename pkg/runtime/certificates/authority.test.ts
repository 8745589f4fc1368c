import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { describe, expect, it } from "vitest";
import { createAuthority, type KeyPair, makeServerCertificate } from "./index.ts";

/** What a client that trusts `ca` says of a server with this pair: nothing, or why not. */
async function verdict({ certPem, keyPem }: KeyPair, ca: string, servername: string): Promise<string | undefined> {
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => socket.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ca, servername });
  try {
    await once(socket, "secureConnect");
    return undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe("createAuthority", () => {
  it("vouches for its own servers, by name", async () => {
    const authority = await createAuthority({ name: "CN=one" });
    const pair = await authority.issue({ subject: "CN=server", hosts: ["a.test", "127.0.0.1", "::1"] });
    expect(await verdict(pair, authority.caPem, "a.test")).toBeUndefined();
    expect(await verdict(pair, authority.caPem, "b.test")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(new X509Certificate(pair.certPem).subjectAltName).toBe(
      "DNS:a.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
  });

  it("does not vouch for another's", async () => {
    const [one, other] = await Promise.all([makeServerCertificate(["a.test"]), makeServerCertificate(["a.test"])]);
    expect(await verdict(one, other.caPem, "a.test")).toMatch(/SIGNATURE|ISSUER|SELF_SIGNED/);
  });

  it("does not let a client's certificate serve, nor an expired one", async () => {
    const authority = await createAuthority({ name: "CN=one" });
    const client = await authority.issue({ subject: "CN=me,O=us", hosts: ["a.test"], usage: "client" });
    const old = await authority.issue({ subject: "CN=old", hosts: ["a.test"], notAfter: new Date(Date.now() - 5_000) });
    expect(await verdict(client, authority.caPem, "a.test")).toBe("INVALID_PURPOSE");
    expect(await verdict(old, authority.caPem, "a.test")).toBe("CERT_HAS_EXPIRED");
    expect(new X509Certificate(client.certPem).subject.split("\n").sort()).toEqual(["CN=me", "O=us"]);
  });
});
