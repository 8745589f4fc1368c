/**
 * A real etcd, kube-apiserver and kube-controller-manager, without containers and without root:
 *
 *   main.ts run [--audit-log=FILE] -- COMMAND…   run a command against a fresh control plane
 *   main.ts up [--audit-log=FILE]                keep one running until a signal; prints its kubeconfig
 *   main.ts assets                               build what is missing; prints where the programs are
 */
import { parseArgs } from "node:util";
import { findAssets } from "./assets.ts";
import { startControlPlane } from "./control-plane.ts";
import { runCommand } from "./run.ts";
import { type Program, serverPrograms } from "./versions.ts";

const usage = "usage: main.ts run [--audit-log=FILE] -- COMMAND… | up [--audit-log=FILE] | assets";
const say = (line: string): void => void process.stderr.write(`control-plane: ${line}\n`);

async function main(): Promise<number> {
  const { verb, rest, auditLog } = parse();
  const options = { env: process.env, say, ...(auditLog === undefined ? {} : { auditLog }) };
  switch (verb) {
    case "run":
      if (rest.length === 0) return complain(usage);
      return await runCommand(rest, options);
    case "up":
      return await up(options);
    case "assets": {
      const all: readonly Program[] = [...serverPrograms, "kubectl"];
      for (const path of Object.values(await findAssets(all, options))) process.stdout.write(`${path}\n`);
      return 0;
    }
    default:
      return complain(usage);
  }
}

function parse(): { verb: string | undefined; rest: string[]; auditLog: string | undefined } {
  const args = process.argv.slice(2);
  const cut = args.indexOf("--");
  const own = cut < 0 ? args : args.slice(0, cut);
  const { values, positionals } = parseArgs({
    args: own,
    options: { "audit-log": { type: "string" } },
    allowPositionals: true,
  });
  return { verb: positionals[0], rest: cut < 0 ? [] : args.slice(cut + 1), auditLog: values["audit-log"] };
}

async function up(options: Parameters<typeof startControlPlane>[0]): Promise<number> {
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve(""));
  });
  await using plane = await startControlPlane(options);
  process.stdout.write(`${JSON.stringify({ ready: true, kubeconfig: plane.kubeconfig, url: plane.url })}\n`);
  const why = await Promise.race([stopped, plane.broken]);
  return why === "" ? 0 : complain(why);
}

function complain(line: string): number {
  say(line);
  return 2;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  process.exitCode = complain(thrown instanceof Error ? thrown.message : String(thrown));
}
