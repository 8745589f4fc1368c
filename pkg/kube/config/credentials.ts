/** What one connection is opened with. Two equal ones may share connections. */
export interface TlsMaterial {
  readonly ca?: Buffer | string | undefined;
  readonly cert?: Buffer | string | undefined;
  readonly key?: Buffer | string | undefined;
  readonly passphrase?: string | undefined;
  readonly pfx?: Buffer | string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Headers and TLS material of the next request. Never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}
