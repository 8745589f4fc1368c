import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectDriver, type DriverConnection, type UnaryMethod } from "../../../pkg/csi/index.ts";
import type { FaultPlan } from "../../../pkg/dev/driver/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import type { Service } from "../processes/service.ts";
import type { Outcome } from "../screen/narrator.ts";
import { names, type World } from "../world.ts";

/** The CSI driver of this run. */
export interface Driver {
  readonly service: Service;
  readonly endpoint: string;
  /** The administrator's calls; waits for the driver while it is started again. Every call made is repeatable. */
  call<Q, A>(method: UnaryMethod<Q, A>, request: Q): Promise<A>;
  /** Makes the driver misbehave from now on; without a plan it is well again. */
  fault(plan?: FaultPlan): Promise<void>;
  /** Bytes the driver's process has read since it started, as the kernel counts them; undefined where that is not told. */
  bytesRead(): Promise<number | undefined>;
}

/** Starts the reference driver. */
export async function startDriver(world: World): Promise<Outcome<Driver>> {
  const endpoint = `unix://${join(world.folder, "csi.sock")}`;
  const stateDir = join(world.folder, "driver");
  const { service } = await world.startService({
    name: "dev-driver",
    args: [`--endpoint=${endpoint}`, `--statedir=${stateDir}`, `--drivername=${names.driver}`],
    isReady: ({ ready }) => ready === true,
    restarts: true,
  });
  const connection = connectDriver({ address: endpoint, log: silentLogger() });
  world.atEnd(() => connection.close());
  const faults = join(stateDir, "faults.json");
  const driver: Driver = {
    service,
    endpoint,
    call: (method, request) => patiently(connection, world, (options) => connection.call(method, request, options)),
    fault: async (plan) => {
      if (plan) await writeFile(faults, JSON.stringify(plan));
      else await rm(faults, { force: true });
    },
    bytesRead: async () => {
      const io = await readFile(`/proc/${service.pid}/io`, "utf8").catch(() => "");
      const [, count] = /^rchar: (\d+)$/m.exec(io) ?? [];
      return count === undefined ? undefined : Number(count);
    },
  };
  return { value: driver, note: `dev-driver, process ${service.pid}, sparse files behind a unix socket` };
}

/** A call that a dying driver cut off is made again, once the driver is back. */
async function patiently<T>(
  connection: DriverConnection,
  { signal }: World,
  call: (options: { signal: AbortSignal; waitForReady: boolean }) => Promise<T>,
): Promise<T> {
  for (let left = 3; ; left -= 1) {
    try {
      return await call({ signal, waitForReady: true });
    } catch (thrown) {
      if (left === 0 || signal.aborted || (thrown as { kind?: string }).kind === "terminal") throw thrown;
      await connection.waitReady({ signal, intervalMs: 100 });
    }
  }
}
