import { defineConfig } from "vitest/config";

// Tiers are projects, not tags: filtered tests would count as skipped.
export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-line.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["pkg/**/*.test.ts", "hack/**/*.test.ts"] } },
      { extends: true, test: { name: "integration", include: ["test/integration/**/*.test.ts"] } },
      { extends: true, test: { name: "behaviour", include: ["test/behaviour/**/*.test.ts"], testTimeout: 120_000 } },
      { extends: true, test: { name: "scenarios", include: ["test/scenarios/**/*.test.ts"], testTimeout: 180_000 } },
    ],
  },
});
