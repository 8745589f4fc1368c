import { systemClock } from "../../runtime/timing/index.ts";
import { MetadataFailure } from "./failure.ts";
import { iterate, type Tally } from "./iterate.ts";
import { ladder } from "./ladder.ts";
import type { MetadataOptions, ResumePolicy } from "./options.ts";
import { ruleCheck } from "./rules.ts";
import type { MetadataStream } from "./stream.ts";
import { metadataStream } from "./stream.ts";
import { resolveTarget } from "./target.ts";
import { requestedToken } from "./token.ts";
import { connectMetadata } from "./transport.ts";

const defaultPolicy: ResumePolicy = { attempts: 12, firstPauseMs: 200, longestPauseMs: 5000 };

/**
 * Finds the metadata service of a snapshot and gets ready to iterate: nothing is asked of the service, and no token is
 * requested, before the iteration starts. Throws MetadataFailure. Close the stream when done (`await using`).
 */
export async function openMetadata(options: MetadataOptions): Promise<MetadataStream> {
  checkOptions(options);
  const named = options.previousSnapshotId || options.previousSnapshotName;
  const stand = ladder(named ? "delta" : "allocated", options.fallback ?? "none", options.onFallback ?? (() => {}));
  const target = await resolveTarget(options, stand.descend);
  const { serviceAccount, tokenExpirySeconds: expirySeconds, serverName, clock = systemClock } = options;
  const tokens =
    options.token ??
    requestedToken({
      api: options.api,
      ...(serviceAccount ? { serviceAccount } : {}),
      ...(expirySeconds ? { expirySeconds } : {}),
    });
  const { service } = target;
  const transport = service && connectMetadata({ ...service, ...(serverName ? { serverName } : {}) });
  const rules = ruleCheck(options.startingOffset ?? 0n);
  const tally: Tally = { messages: 0, ranges: 0, rangeBytes: 0n, resumes: 0, complete: false };
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const records = iterate(
    {
      transport,
      freshToken: (abort) => tokens(service?.audience ?? "", abort),
      ladder: stand,
      knownSizeBytes: target.restoreSizeBytes,
      question: {
        namespace: target.namespace,
        snapshotName: target.snapshotName,
        maxResults: options.maxResults ?? 0,
        ...(target.baseHandle ? { baseHandle: target.baseHandle } : {}),
      },
      rules,
      tally,
      policy: { ...defaultPolicy, ...options.resume },
      clock,
      onResume: options.onResume ?? (() => {}),
    },
    signal,
  );
  return metadataStream({ target, records, tally, rules, ladder: stand, transport, closing });
}

/** Byte offsets are int64 on the wire. */
export const largestOffset = 2n ** 63n - 1n;

function checkOptions({
  namespace,
  snapshotName,
  startingOffset,
  maxResults,
  tokenExpirySeconds,
  serviceAccount,
}: MetadataOptions): void {
  const wrong = (message: string): never => {
    throw new MetadataFailure("terminal", "InvalidRequest", message);
  };
  if (!namespace) wrong("the namespace of the snapshot is missing");
  if (!snapshotName) wrong("the name of the snapshot is missing");
  if ((startingOffset ?? 0n) < 0n) wrong(`the starting offset is ${startingOffset}, it must not be negative`);
  if ((startingOffset ?? 0n) > largestOffset) {
    wrong(`the starting offset is ${startingOffset}, it must not be above ${largestOffset}`);
  }
  if (!Number.isInteger(maxResults ?? 0) || (maxResults ?? 0) < 0 || (maxResults ?? 0) > 2 ** 31 - 1) {
    wrong(`the number of results in one message is ${maxResults}, it must be between 0 and 2147483647`);
  }
  if (!((tokenExpirySeconds ?? 0) >= 0)) wrong(`the token expiry is ${tokenExpirySeconds}, it must not be negative`);
  if (serviceAccount && (!serviceAccount.name || !serviceAccount.namespace)) {
    wrong("the ServiceAccount needs both its name and its namespace");
  }
}
