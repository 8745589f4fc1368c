export { eventMetrics } from "./metrics.ts";
export { createRecorder, type EventRecorder, type EventType, type RecorderOptions } from "./recorder.ts";
