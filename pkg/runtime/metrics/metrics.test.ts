import { describe, expect, it } from "vitest";
import { counter, createRegistry, gauge, histogram, processMetrics, renderMetricsPage } from "./index.ts";

const operations = {
  name: "operations_seconds",
  help: "Time of operations",
  labels: ["method"],
  buckets: [1, 5],
} as const;

describe("createRegistry", () => {
  it("tells about the process", async () => {
    const text = await createRegistry().metrics();
    const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    expect(Math.abs(read("process_start_time_seconds") - (Date.now() / 1000 - process.uptime()))).toBeLessThan(5);
    expect(read("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect(read("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(text).toContain("# TYPE process_cpu_seconds_total counter");
  });

  it("does not add up CPU time over readings", async () => {
    const registry = createRegistry();
    const read = async (): Promise<number> =>
      Number(/^process_cpu_seconds_total (\S+)$/m.exec(await registry.metrics())?.[1]);
    await read();
    const { user, system } = process.cpuUsage();
    expect(await read()).toBeLessThan((user + system) / 1e6 + 1);
  });
});

describe("families", () => {
  it("are made once and shared", async () => {
    const registry = createRegistry();
    histogram(registry, operations).observe({ method: "a" }, 2);
    histogram(registry, operations).observe({ method: "a" }, 0.5);
    counter(registry, { name: "c_total", help: "c", labels: [] }).inc();
    const text = await registry.metrics();
    expect(text).toContain('operations_seconds_bucket{le="1",method="a"} 1');
    expect(text).toContain('operations_seconds_count{method="a"} 2');
    expect(text).toContain("c_total 1");
  });

  it("may not be registered differently", () => {
    const registry = createRegistry();
    histogram(registry, operations);
    expect(() => histogram(registry, { ...operations, labels: ["other"] })).toThrow("registered twice, differently");
    expect(() => counter(registry, { ...operations })).toThrow("registered twice, differently");
  });

  it("may be filled when they are read", async () => {
    const registry = createRegistry();
    let size = 1;
    gauge(registry, { name: "size", help: "s", labels: ["kind"] }, (each) => each.set({ kind: "x" }, size));
    size = 5;
    expect(await registry.metrics()).toContain('size{kind="x"} 5');
  });
});

it("renders the reference page", () => {
  const page = renderMetricsPage([
    { name: "prog", families: [{ type: "histogram", ...operations }, ...processMetrics] },
  ]);
  expect(page).toContain("## prog\n");
  expect(page).toContain("| `operations_seconds` | histogram | `method` | 1 5 | Time of operations |");
  expect(page).toContain("| `process_start_time_seconds` | gauge |");
});
