export { type HealthServing, type HealthStatus, healthService } from "./health-service.ts";
