import { status } from "@grpc/grpc-js";

/** The codes a handler refuses with, by name. */
export type RefusalCode = Exclude<keyof typeof status, "OK">;

/** Ends an RPC with a gRPC status. `details` names the field or the object, what was found and what is expected. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: number;
  readonly details: string;

  constructor(code: RefusalCode, details: string) {
    super(details);
    this.code = status[code];
    this.details = details;
  }
}

/** What any thrown value becomes on the wire: system errors keep no path, as paths are not the caller's business. */
export function toRefusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new Refusal("RESOURCE_EXHAUSTED", "no space left in the state folder");
  if (code === "EFBIG")
    return new Refusal("OUT_OF_RANGE", "the file system of the state folder has no files this large");
  if (typeof code === "string") return new Refusal("INTERNAL", `the state folder answered ${code}`);
  return new Refusal("INTERNAL", thrown instanceof Error ? thrown.message : "unexpected failure");
}
