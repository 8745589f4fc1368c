export { Failure, type FailureHint, type FailureKind, messageOf, toFailure } from "./failure.ts";
