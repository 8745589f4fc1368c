import type { Socket } from "node:net";
import type { Clock } from "../../runtime/timing/index.ts";

export interface ConnectionRules {
  /** Connections that one peer address may have at a time; 0: any number. */
  readonly maxPerPeer: number;
  /** How long a connection may take to its first call, handshake included, milliseconds. */
  readonly firstCallMs: number;
  readonly clock: Clock;
  /** Hears of each connection that is turned away, or closed without ever having called. */
  readonly refused?: (why: "tooMany" | "silent") => void;
}

/** Keeps strangers from filling a server with connections. */
export interface ConnectionGuard {
  /** Whether the connection may come in; counts it until it closes. */
  admit(socket: Socket): boolean;
  /** The connection with this address and port of its peer has made a call. */
  called(peer: string): void;
  /** Somebody who is known has called over this connection: it is told from those of strangers at the same address. */
  vouch(peer: string): void;
  vouchedFor(peer: string): boolean;
  /** Closes the connections that have not made a call. */
  dropSilent(): void;
  /** Connections now. */
  readonly connections: number;
}

/** A {@link ConnectionGuard} for one server. */
export function connectionGuard(rules: ConnectionRules): ConnectionGuard {
  const { maxPerPeer, firstCallMs, clock, refused = () => undefined } = rules;
  const perPeer = new Map<string, number>();
  /** Connections that have not called yet, by the peer's address and port. */
  const silent = new Map<string, { readonly socket: Socket; readonly heard: AbortController }>();
  /** Connections by the peer's address and port, and whether somebody known has called over them. */
  const open = new Map<string, { vouched: boolean }>();
  const wait = (socket: Socket, name: string): void => {
    const heard = new AbortController();
    silent.set(name, { socket, heard });
    socket.once("close", () => heard.abort());
    clock.sleep(firstCallMs, heard.signal).then(
      () => {
        refused("silent");
        socket.destroy();
      },
      () => undefined,
    );
  };
  return {
    admit: (socket) => {
      const peer = peerAddress(socket.remoteAddress);
      const count = (perPeer.get(peer) ?? 0) + 1;
      if (maxPerPeer > 0 && count > maxPerPeer) {
        refused("tooMany");
        return false;
      }
      perPeer.set(peer, count);
      const name = `${socket.remoteAddress}:${socket.remotePort}`;
      open.set(name, { vouched: false });
      socket.once("close", () => {
        open.delete(name);
        const left = (perPeer.get(peer) ?? 1) - 1;
        if (left === 0) perPeer.delete(peer);
        else perPeer.set(peer, left);
        silent.delete(name);
      });
      wait(socket, name);
      return true;
    },
    called: (peer) => {
      silent.get(peer)?.heard.abort();
      silent.delete(peer);
    },
    vouch: (peer) => {
      const connection = open.get(peer);
      if (connection !== undefined) connection.vouched = true;
    },
    vouchedFor: (peer) => open.get(peer)?.vouched === true,
    dropSilent: () => {
      for (const { socket } of silent.values()) socket.destroy();
    },
    get connections() {
      return open.size;
    },
  };
}

/** One name for an address, whichever of the two families its connection came by. */
export function peerAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.)/i, "") ?? "";
}
