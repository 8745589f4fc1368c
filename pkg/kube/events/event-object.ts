import { randomInt, randomUUID } from "node:crypto";
import type { Event, ObjectReference } from "../../apis/core/index.ts";
import type { KubeObject } from "../../apis/schema/index.ts";
import type { Told } from "./correlator.ts";

export interface EventSource {
  readonly component: string;
  readonly host?: string | undefined;
}

/** What the API allows, bytes. */
const messageLimit = 1024;
/** DNS subdomain: what the API takes for a name. */
const validName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A new core/v1 Event, as client-go writes them. */
export function eventOf(told: Told, { component, host }: EventSource): Event {
  const { object, type, reason, message, count, firstAt, lastAt } = told;
  // Events of cluster-scoped objects have to live somewhere.
  const namespace = object.namespace || "default";
  return {
    metadata: { name: eventName(object.name ?? "", lastAt), namespace },
    involvedObject: object,
    reason,
    message: trimmed(message),
    type,
    count,
    firstTimestamp: seconds(firstAt),
    lastTimestamp: seconds(lastAt),
    source: host === undefined ? { component } : { component, host },
    reportingComponent: component,
    ...(host === undefined ? {} : { reportingInstance: host }),
  };
}

/** What a repeated event changes on the one that is there. */
export function repetitionOf({ count, lastAt, message }: Told): object {
  return { count, lastTimestamp: seconds(lastAt), message: trimmed(message) };
}

/** Undefined for an object that lacks what an event must name. */
export function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference | undefined {
  const { namespace, name, uid, resourceVersion } = metadata;
  if (!kind || !apiVersion || !name) return undefined;
  const fields = { apiVersion, kind, namespace, name, uid, resourceVersion };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as ObjectReference;
}

/**
 * The object's name and the time in nanoseconds, hexadecimal. What is below our clock's milliseconds is drawn by lot:
 * two programs may tell of one object in the same moment.
 */
function eventName(object: string, at: number): string {
  const nanoseconds = BigInt(Math.floor(at)) * 1_000_000n + BigInt(randomInt(1_000_000));
  const name = `${object}.${nanoseconds.toString(16)}`;
  return name.length <= 253 && validName.test(name) ? name : randomUUID();
}

function trimmed(message: string): string {
  if (Buffer.byteLength(message) <= messageLimit) return message;
  // Cutting bytes may split a character; the decoder's replacement for the half is taken off.
  const cut = Buffer.from(message)
    .subarray(0, messageLimit - 3)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
  return `${cut}…`;
}

const seconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
