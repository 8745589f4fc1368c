import type { X509Certificate } from "node:crypto";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

/** What a TLS server agreed to. */
export interface Handshake {
  readonly protocol: string;
  readonly cipher: string;
  /** Name of the key exchange; empty where Node does not tell. */
  readonly curve: string;
  readonly certificate: X509Certificate | undefined;
}

/** Makes one connection as a gRPC client would, and looks at what came of it. Rejects with the server's refusal. */
export async function handshake(port: number, ca: string, limits: ConnectionOptions = {}): Promise<Handshake> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca, ALPNProtocols: ["h2"], ...limits });
  try {
    await connected(socket);
    const exchange = socket.getEphemeralKeyInfo();
    return {
      protocol: socket.getProtocol() ?? "",
      cipher: socket.getCipher().name,
      curve: exchange !== null && "name" in exchange ? String(exchange.name) : "",
      certificate: socket.getPeerX509Certificate(),
    };
  } finally {
    socket.destroy();
  }
}

/** In TLS 1.3 a refusal may follow the client's own view of success; the first bytes of HTTP/2 prove the connection. */
function connected(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", () => resolve());
    socket.once("close", () => reject(new Error("closed before a word was said")));
    // The preface and empty settings: the server answers with settings of its own.
    socket.once("secureConnect", () =>
      socket.write(
        Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
      ),
    );
  });
}
