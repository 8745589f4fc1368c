export { createQueue, type Queue, type QueueOptions } from "./queue.ts";
