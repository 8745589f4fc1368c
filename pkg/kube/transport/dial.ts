import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { TlsMaterial } from "../config/index.ts";

export interface DialTarget {
  readonly server: URL;
  readonly proxyUrl: URL | undefined;
  readonly tls: TlsMaterial;
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "");
const portOf = (url: URL): number => Number(url.port || (url.protocol === "https:" ? 443 : 80));

/** Opens TLS (or, for http on loopback, plain TCP) to the server, through the proxy if there is one. */
export async function dial(
  target: DialTarget,
  alpn: readonly string[],
  signal: AbortSignal,
): Promise<TLSSocket | Socket> {
  const { server, proxyUrl, tls } = target;
  signal.throwIfAborted();
  const tunnel = proxyUrl ? await openTunnel(server, proxyUrl, signal) : undefined;
  const address = { host: hostOf(server), port: portOf(server) };
  if (server.protocol === "http:") {
    const plain = connectTcp(address);
    return established(plain, "connect", signal);
  }
  // A server name must be a DNS name; an IP address is checked against the certificate without one.
  const name = tls.servername ?? address.host;
  const socket = connectTls({
    ...(tunnel ? { socket: tunnel } : address),
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key,
    rejectUnauthorized: tls.rejectUnauthorized !== false,
    ALPNProtocols: [...alpn],
    ...(isIP(name) === 0 ? { servername: name } : { host: name, servername: "" }),
  });
  return established(socket, "secureConnect", signal);
}

function established<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off(event, onReady).off("error", onError).off("close", onClose);
      act();
    };
    const fail = (why: unknown): void =>
      settle(() => {
        socket.on("error", () => undefined);
        socket.destroy();
        reject(why);
      });
    const onAbort = (): void => fail(signal.reason);
    const onReady = (): void => settle(() => resolve(socket));
    const onError = (error: Error): void => fail(error);
    const onClose = (): void => fail(new Error("connection closed while it was being opened"));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once(event, onReady).once("error", onError).once("close", onClose);
  });
}

/** HTTP CONNECT through a proxy, with the user and password of its URL. */
function openTunnel(server: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  const path = `${server.hostname}:${portOf(server)}`;
  const headers: Record<string, string> = { host: path };
  if (proxy.username !== "") {
    const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    headers["proxy-authorization"] = `Basic ${Buffer.from(login).toString("base64")}`;
  }
  const options = { host: hostOf(proxy), port: portOf(proxy), method: "CONNECT", path, headers, signal, agent: false };
  const request = proxy.protocol === "https:" ? requestHttps(options) : requestHttp(options);
  return new Promise((resolve, reject) => {
    request.once("connect", (response, socket: Socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`proxy ${proxy.host} answered ${response.statusCode} to CONNECT ${path}`));
    });
    request.once("response", (response) => {
      response.destroy();
      reject(new Error(`proxy ${proxy.host} answered ${response.statusCode} to CONNECT ${path}`));
    });
    request.once("error", (error) => reject(signal.aborted ? signal.reason : error));
    request.end();
  });
}
