import type { X509Certificate } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { ServerCredentials } from "@grpc/grpc-js";
import { messageOf } from "../../runtime/errors/index.ts";
import { type Logger, silentLogger } from "../../runtime/log/index.ts";
import { counter, gauge, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import { followFiles } from "./follow-files.ts";
import { checkKeyPair, type KeyPair, type KeyPairFiles, loadKeyPair, readKeyPair } from "./key-pair.ts";
import { ReloadingCredentials } from "./reloading-credentials.ts";
import { type TlsParameters, tlsParameters } from "./tls-parameters.ts";

export interface ReloadingTlsOptions extends KeyPairFiles {
  readonly parameters?: Partial<TlsParameters>;
  readonly log?: Logger;
  readonly metrics?: Registry;
  readonly clock?: Clock;
  /** How often the files are read when nothing is noticed before, milliseconds. 10 s unless told. */
  readonly pollMs?: number;
}

/** A node:tls, node:https or node:http2 server. */
export interface TlsServer {
  setSecureContext(options: SecureContextOptions): void;
  once(event: "close", listener: () => void): unknown;
}

/** A key pair that follows its files. */
export interface ReloadingTls extends AsyncDisposable {
  /** For grpc-js servers. */
  readonly serverCredentials: ServerCredentials;
  /** What new connections are offered now. */
  readonly certificate: X509Certificate;
  /** For `tls.createServer`, `https.createServer`, `http2.createSecureServer` and `tls.createSecureContext`. */
  context(): SecureContextOptions;
  /** Keeps such a server on the current pair until it closes. */
  attach(server: TlsServer): void;
  /** Reads the files now. True when a new pair was taken. */
  reload(): Promise<boolean>;
  /** Stops watching. */
  close(): Promise<void>;
}

const RELOADS = {
  type: "counter",
  name: "tls_certificate_reloads_total",
  help: "Changes of the certificate files by result: a pair that can not be used is refused and the old one kept",
  labels: ["result"],
} as const;

const NOT_AFTER = {
  type: "gauge",
  name: "tls_certificate_not_after_timestamp_seconds",
  help: "Unix time at which the certificate in use expires",
  labels: [],
} as const;

/** The families that {@link reloadingTls} registers. */
export const tlsMetrics: readonly MetricFamily[] = [RELOADS, NOT_AFTER];

const POLL_MS = 10_000;

/**
 * Loads a key pair and follows its files by their content, also when symbolic links are swapped as kubelet does. A
 * pair that can not be used is logged, counted and not taken. Rejects when the first one can not be used.
 */
export async function reloadingTls(options: ReloadingTlsOptions): Promise<ReloadingTls> {
  const { clock = systemClock, pollMs = POLL_MS, certFile, keyFile } = options;
  const fixed = tlsParameters(options.parameters);
  const contextOf = ({ cert, key }: KeyPair): SecureContextOptions => ({ ...fixed, cert, key });
  const report = reporter(options);
  let pair = await loadKeyPair(options);
  report.inUse(pair);
  const credentials = new ReloadingCredentials(contextOf(pair));
  const servers = new Set<TlsServer>();
  const latest = pairReader(options, pair.digest, report);
  const reload = oneAtATime(async () => {
    const next = await latest();
    if (next === undefined) return false;
    pair = next;
    credentials.exchange(contextOf(pair));
    for (const server of servers) server.setSecureContext(contextOf(pair));
    report.taken(pair);
    return true;
  });
  const stop = new AbortController();
  const following = followFiles([certFile, keyFile], { clock, pollMs, signal: stop.signal }, reload);
  const close = async (): Promise<void> => {
    stop.abort();
    await following;
  };
  return {
    serverCredentials: credentials,
    get certificate() {
      return pair.certificate;
    },
    context: () => contextOf(pair),
    attach(server) {
      server.setSecureContext(contextOf(pair));
      servers.add(server);
      server.once("close", () => servers.delete(server));
    },
    reload,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Reads the files; gives a pair when they hold another good one than before, and reports each bad state once. */
function pairReader(files: KeyPairFiles, first: string, report: Reporter): () => Promise<KeyPair | undefined> {
  let seen = first;
  return async () => {
    let state = "";
    try {
      const bytes = await readKeyPair(files);
      state = bytes.digest;
      if (state === seen) return undefined;
      const pair = checkKeyPair(files, bytes);
      seen = state;
      return pair;
    } catch (thrown) {
      state ||= messageOf(thrown);
      if (state !== seen) report.refused(thrown);
      seen = state;
      return undefined;
    }
  };
}

interface Reporter {
  inUse(pair: KeyPair): void;
  taken(pair: KeyPair): void;
  refused(error: unknown): void;
}

function reporter({ metrics, log = silentLogger(), certFile }: ReloadingTlsOptions): Reporter {
  const reloads = metrics && counter(metrics, RELOADS);
  const notAfter = metrics && gauge(metrics, NOT_AFTER);
  const inUse = ({ certificate }: KeyPair): void => {
    const expiry = certificate.validToDate;
    notAfter?.set(expiry.getTime() / 1000);
    const fields = { file: certFile, subject: certificate.subject, notAfter: expiry.toISOString() };
    if (expiry.getTime() < Date.now()) log.warn(fields, "certificate has expired");
    else log.info(fields, "certificate in use");
  };
  return {
    inUse,
    taken(pair) {
      reloads?.inc({ result: "taken" });
      inUse(pair);
    },
    refused(error) {
      reloads?.inc({ result: "refused" });
      log.error({ file: certFile, err: error }, "new certificate refused, the old one stays in use");
    },
  };
}

/** Calls that come while one is under way wait for it, so that two readings never cross. */
function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}
