export { queueMetrics } from "./metrics.ts";
export { createQueue, type Queue, type QueueOptions } from "./queue.ts";
