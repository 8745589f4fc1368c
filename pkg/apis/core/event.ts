import { builtIn, type KubeObject } from "../schema/index.ts";
import type { ObjectReference } from "./references.ts";

/** Normal tells progress, Warning asks a person to look. */
export type EventType = "Normal" | "Warning";

/** core/v1 Event, what `kubectl describe` shows below an object. */
export interface Event extends KubeObject {
  involvedObject: ObjectReference;
  related?: ObjectReference;
  reason?: string;
  /** At most 1024 bytes. */
  message?: string;
  type?: EventType;
  source?: { component?: string; host?: string };
  /** RFC 3339, whole seconds. */
  firstTimestamp?: string | null;
  /** RFC 3339, whole seconds. */
  lastTimestamp?: string | null;
  count?: number;
  /** RFC 3339 with microseconds. */
  eventTime?: string | null;
  action?: string;
  reportingComponent?: string;
  reportingInstance?: string;
  series?: { count?: number; lastObservedTime?: string };
}

export const Event = builtIn<Event>({ group: "", version: "v1", kind: "Event", plural: "events" });

/** The same objects as seen through events.k8s.io/v1; its writers must give action, reason and reporter. */
export interface EventV1 extends KubeObject {
  /** RFC 3339 with microseconds. */
  eventTime: string | null;
  regarding?: ObjectReference;
  related?: ObjectReference;
  reason?: string;
  note?: string;
  type?: EventType;
  action?: string;
  reportingController?: string;
  reportingInstance?: string;
  series?: { count: number; lastObservedTime: string };
}

export const EventV1 = builtIn<EventV1>({ group: "events.k8s.io", version: "v1", kind: "Event", plural: "events" });
