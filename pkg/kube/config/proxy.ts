import { BlockList, isIP } from "node:net";
import type { Failure } from "../../runtime/errors/index.ts";

/**
 * The proxy for this server: the kubeconfig's proxy-url, else HTTPS_PROXY unless NO_PROXY names the server. As in Go,
 * loopback is never sent through a proxy of the environment.
 */
export function proxyFor(
  server: URL,
  proxyUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  wrong: (message: string) => Failure,
): URL | undefined {
  const host = server.hostname.replace(/^\[|\]$/g, "");
  if (proxyUrl) return parseProxy(proxyUrl, "proxy-url", wrong);
  const ambient = env["HTTPS_PROXY"] || env["https_proxy"];
  if (!ambient || server.protocol !== "https:" || isLoopback(host)) return undefined;
  if (excluded(host, server.port || "443", env["NO_PROXY"] || env["no_proxy"] || "")) return undefined;
  return parseProxy(ambient.includes("://") ? ambient : `http://${ambient}`, "HTTPS_PROXY", wrong);
}

function parseProxy(text: string, what: string, wrong: (message: string) => Failure): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url;
  // The text may hold a password.
  throw wrong(`${what} must be an http:// or https:// URL${url ? `, not ${url.protocol}` : ""}`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** NO_PROXY: names cover their subdomains, a leading dot only those; addresses, CIDR blocks and host:port work. */
function excluded(host: string, port: string, list: string): boolean {
  return list
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== "" && covers(entry, host, port));
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const [network = "", bits] = entry.split("/", 2);
  if (bits !== undefined && isIP(network) > 0) return isIP(host) > 0 && inBlock(network, Number(bits), host);
  const withPort = /^(.*):(\d+)$/.exec(entry);
  const name = withPort && isIP(entry) === 0 ? (withPort[1] ?? "") : entry;
  if (withPort && isIP(entry) === 0 && withPort[2] !== port) return false;
  if (name.startsWith(".")) return host.endsWith(name);
  return host === name || host.endsWith(`.${name}`);
}

function inBlock(network: string, bits: number, host: string): boolean {
  const family = isIP(network) === 6 ? "ipv6" : "ipv4";
  const block = new BlockList();
  try {
    block.addSubnet(network, bits, family);
  } catch {
    return false;
  }
  return block.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
}
