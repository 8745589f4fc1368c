export { createRecorder, type EventRecorder, type EventType, eventMetrics, type RecorderOptions } from "./recorder.ts";
