import { isAbsolute } from "node:path";
import { Failure } from "../../runtime/errors/index.ts";

/** The kernel's limit for the path of a unix socket, without its closing zero byte. */
const maxPathBytes = process.platform === "linux" ? 107 : 103;

/** One unix socket, in the two ways it is written. */
export interface SocketAddress {
  /** Absolute path. */
  readonly path: string;
  /** `unix:///absolute/path` */
  readonly url: string;
}

/** Reads an absolute path or a `unix://` URL. Throws a terminal Failure that says what is expected. */
export function parseSocketAddress(address: string): SocketAddress {
  const path = address.startsWith("unix:") ? address.slice("unix:".length).replace(/^\/\/(?=\/)/, "") : address;
  const wrong = problemOf(path);
  if (wrong !== undefined) {
    throw new Failure("terminal", "InvalidSocketAddress", `CSI socket address ${JSON.stringify(address)}: ${wrong}`);
  }
  return { path, url: `unix://${path}` };
}

function problemOf(path: string): string | undefined {
  if (!isAbsolute(path) || path.startsWith("//"))
    return 'expected an absolute path such as "/run/csi/socket", or the same as "unix://" URL';
  const bytes = Buffer.byteLength(path);
  if (bytes > maxPathBytes)
    return `the path has ${bytes} bytes, the system allows ${maxPathBytes}; use a shorter folder`;
  return undefined;
}
