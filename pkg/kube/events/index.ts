export { createRecorder, type EventRecorder, type EventType, type RecorderOptions } from "./recorder.ts";
