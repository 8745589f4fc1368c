import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";

/** How long a client may take to shake hands, milliseconds. */
const HANDSHAKE_MS = 30_000;

/**
 * Credentials of a gRPC server whose certificate can be exchanged while it listens. grpc-js's own provider drops
 * connections while a file is missing or bad; this one is only ever given what was checked.
 */
export class ReloadingCredentials extends ServerCredentials {
  constructor(context: SecureContextOptions) {
    super({ requestCert: false, handshakeTimeout: HANDSHAKE_MS, ...context }, context);
  }

  /** New connections use this; those that exist keep what they have. */
  exchange(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
