import { linkedSignal, type SignalScope } from "../../../runtime/timing/index.ts";
import { Refusal } from "./refusal.ts";

/** The parts of a server call that tell whether anybody still waits for it. */
export interface WaitedCall {
  readonly cancelled: boolean;
  on(event: "cancelled", listener: () => void): unknown;
  getDeadline(): Date | number;
}

/** Aborts when the caller has gone, its deadline has passed or the driver stops. The reason is always a Refusal. */
export function callSignal(call: WaitedCall, stopping: AbortSignal): SignalScope {
  const scope = linkedSignal(stopping);
  const gone = (): void => scope.abort(whyGone(call));
  if (call.cancelled) gone();
  else call.on("cancelled", gone);
  return scope;
}

function whyGone(call: WaitedCall): Refusal {
  if (Number(call.getDeadline()) <= Date.now()) return new Refusal("DEADLINE_EXCEEDED", "the deadline has passed");
  return new Refusal("CANCELLED", "the caller cancelled");
}
