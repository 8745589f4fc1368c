import { Failure } from "../errors/index.ts";
import { systemClock } from "../timing/index.ts";

/** What happens at a failpoint: the process is killed, an error is thrown, or the work stands still. */
export type FailpointAction = "kill" | "error" | "pause";

/** One armed point. */
export interface ArmedFailpoint {
  readonly action: FailpointAction;
  /** Which passage triggers it, counted from 1. */
  readonly passage: number;
}

/** What is armed in this process, and how it is carried out. */
export interface FailpointPlan {
  readonly armed: ReadonlyMap<string, ArmedFailpoint>;
  /** Sends SIGKILL to this process. */
  kill(): void;
}

/** Passes one named point. Returns nothing when it is off; await it all the same. */
export type Failpoint<N extends string> = (name: N, signal?: AbortSignal) => Promise<void> | undefined;

/** The failpoints of a component, by name. */
export interface FailpointSet<N extends string = string> {
  readonly names: readonly N[];
  /** The function that the component calls at its points. Without an armed point it does nothing. */
  arm(plan: FailpointPlan | undefined): Failpoint<N>;
}

/** Names the points at which tests may break a component, one per step whose crash must be survived. */
export function defineFailpoints<const N extends string>(names: readonly N[]): FailpointSet<N> {
  return {
    names,
    arm(plan) {
      if (plan === undefined || !names.some((name) => plan.armed.has(name))) return () => undefined;
      const passed = new Map<string, number>();
      return (name, signal) => {
        const point = plan.armed.get(name);
        if (point === undefined) return undefined;
        const passage = (passed.get(name) ?? 0) + 1;
        passed.set(name, passage);
        return passage === point.passage ? trigger(name, point.action, plan, signal) : undefined;
      };
    },
  };
}

async function trigger(
  name: string,
  action: FailpointAction,
  plan: FailpointPlan,
  signal?: AbortSignal,
): Promise<void> {
  if (action === "error") throw new Failure("transient", "Failpoint", `failpoint ${name} was hit`);
  if (action === "kill") plan.kill();
  // Paused for good, or killed and not gone yet: nothing after this point may happen.
  await systemClock.sleep(Number.POSITIVE_INFINITY, signal);
}

/**
 * Reads `name[=kill|error|pause][@n]`, several with commas; kill and the first passage unless told. Throws an Error
 * that lists the known names when one is wrong.
 */
export function parseFailpoints(text: string, known: readonly string[]): ReadonlyMap<string, ArmedFailpoint> {
  const armed = new Map<string, ArmedFailpoint>();
  for (const part of text.split(",").map((each) => each.trim())) {
    if (part === "") continue;
    const [, name = "", action = "kill", passage = "1"] =
      /^([^=@]+)(?:=(kill|error|pause))?(?:@([1-9]\d*))?$/.exec(part) ?? [];
    if (name === "") throw new Error(`invalid failpoint "${part}" (expected name[=kill|error|pause][@n])`);
    if (!known.includes(name)) throw new Error(`unknown failpoint "${name}" (known: ${known.join(", ") || "none"})`);
    armed.set(name, { action: action as FailpointAction, passage: Number(passage) });
  }
  return armed;
}
