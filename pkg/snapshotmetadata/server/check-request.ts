import type { MetadataMethod, MetadataRequest } from "./methods.ts";
import { Refusal } from "./refusals.ts";

/**
 * Decodes the request and refuses what no later step could make right. Asks nobody.
 *
 * @throws Refusal `malformedRequest`, `emptyField`, `negativeOffset` or `negativeMaxResults`, naming the field.
 */
export function readRequest(method: MetadataMethod, bytes: Uint8Array): MetadataRequest {
  const request = decode(method, bytes);
  for (const { field, of } of method.required) {
    if (of(request) === "") throw new Refusal("emptyField", `${field} is empty; it is required`);
  }
  if (request.startingOffset < 0n) {
    throw new Refusal("negativeOffset", `starting_offset is ${request.startingOffset}; it must not be negative`);
  }
  if (request.maxResults < 0) {
    throw new Refusal("negativeMaxResults", `max_results is ${request.maxResults}; it must not be negative`);
  }
  return request;
}

function decode(method: MetadataMethod, bytes: Uint8Array): MetadataRequest {
  try {
    return method.decode(bytes);
  } catch (cause) {
    throw new Refusal("malformedRequest", `the request is not a valid ${method.name}Request message`, { cause });
  }
}
