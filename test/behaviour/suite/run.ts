import { accessOf } from "../../support/access.ts";
import type { ClusterInside } from "../../support/cluster.ts";
import { Http } from "../../support/http.ts";
import { type Case, type Need, titleOf } from "./case.ts";
import { Teller } from "./teller.ts";
import type { Recording, Transcript } from "./transcript.ts";

/** A server that cases are told to. */
export interface Target {
  readonly kind: "embedded" | "real" | "external";
  readonly kubeconfigText: string;
  readonly inside?: ClusterInside | undefined;
}

/** A recording, and the cases that this server could not be asked, with the reason. */
export interface Run extends Recording {
  readonly notRun: Readonly<Record<string, string>>;
  /** Milliseconds per case. */
  readonly tookMs: Readonly<Record<string, number>>;
}

const parallel = 12;

/** Tells the cases to a server, side by side as far as they do not disturb one another. */
export async function runCases(
  target: Target,
  cases: readonly Case[],
  options: { readonly patienceMs?: number } = {},
): Promise<Run> {
  const access = accessOf(target.kubeconfigText);
  const http = new Http(access);
  const teller = new Teller({ http, access, inside: target.inside, ...options });
  const recorded = new Map<string, Transcript>();
  const tookMs: Record<string, number> = {};
  const record = async (case_: Case): Promise<void> => {
    const started = performance.now();
    recorded.set(titleOf(case_), await teller.tell(case_));
    tookMs[titleOf(case_)] = Math.round(performance.now() - started);
  };
  try {
    await teller.prepare(cases);
    const notRun = missingNeeds(target, cases);
    for (const group of inGroups(cases.filter((case_) => notRun[titleOf(case_)] === undefined))) {
      await Promise.all(workers(group, record));
    }
    return { serverVersion: await teller.version(), cases: inOrder(cases, recorded), notRun, tookMs };
  } finally {
    // An embedded server ends with the run.
    if (target.kind !== "embedded") await teller.cleanUp();
    http.close();
  }
}

/** Why cases can not be told to this server, by title. */
function missingNeeds({ kind, inside }: Target, cases: readonly Case[]): Record<string, string> {
  const lacks = new Set<Need>(inside === undefined ? ["compaction", "expired tokens"] : []);
  const reasons = cases.map((case_) => [titleOf(case_), case_.needs.filter((need) => lacks.has(need))] as const);
  return Object.fromEntries(
    reasons
      .filter(([, missing]) => missing.length > 0)
      .map(([title, missing]) => [title, `needs ${missing.join(" and ")}, which an ${kind} server has not`]),
  );
}

/**
 * What may run side by side, group after group: compaction disturbs whoever reads old versions, but those cases not
 * one another; a clock that is wrong for a while disturbs everybody.
 */
function inGroups(cases: readonly Case[]): readonly (readonly Case[])[] {
  const needing = (need: Need) => cases.filter(({ needs }) => needs.includes(need));
  const disturbing = new Set([...needing("compaction"), ...needing("expired tokens")]);
  const alone = needing("expired tokens").map((case_) => [case_]);
  return [cases.filter((case_) => !disturbing.has(case_)), needing("compaction"), ...alone];
}

/** So many loops over one queue. */
function workers(cases: readonly Case[], work: (case_: Case) => Promise<void>): Promise<void>[] {
  const queue = [...cases];
  return Array.from({ length: parallel }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  });
}

function inOrder(cases: readonly Case[], recorded: ReadonlyMap<string, Transcript>): Record<string, Transcript> {
  const entries = cases.map((case_) => [titleOf(case_), recorded.get(titleOf(case_))] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, Transcript] => entry[1] !== undefined));
}
