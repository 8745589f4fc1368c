/** Where a server listens, in the terms of Node. Without a host: all interfaces. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/**
 * Reads an address as Go's `net.Listen` does: ":8080", "127.0.0.1:0", "[::]:1", "localhost:80". Throws an Error that
 * says what is expected.
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain = "", port = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === "" || Number(port) > 65_535) {
    throw new Error(`invalid address "${text}" (expected host:port or :port, as in ":8080" or "[::1]:8080")`);
  }
  const host = bracketed ?? plain;
  return host === "" ? { port: Number(port) } : { host, port: Number(port) };
}

/** The address as Go prints it, with the port that was really bound. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return host?.includes(":") ? `[${host}]:${port}` : `${host ?? ""}:${port}`;
}
