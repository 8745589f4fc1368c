import { parseCommandLine, renderHelp } from "../../pkg/runtime/options/index.ts";
import { demoOptions } from "./options.ts";
import { runDemo } from "./run.ts";

process.noDeprecation = true;

const parsed = parseCommandLine([demoOptions] as const, process.argv.slice(2), process.env);
if (parsed.ok) {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => interrupted.abort(new Error(`stopped by ${name}`)));
  }
  const [options] = parsed.values;
  process.exitCode = await runDemo({ options, stdout: process.stdout, env: process.env, signal: interrupted.signal });
} else if (parsed.help) {
  const summary =
    "Shows changed block tracking on a real database: two snapshots, the blocks that differ asked for over TLS, and " +
    "the second state rebuilt from the first plus those blocks alone. Needs nothing but this repository.";
  process.stdout.write(renderHelp({ name: "demo", summary }, [{ title: "Flags", options: demoOptions }]));
} else {
  for (const problem of parsed.problems) process.stderr.write(`demo: ${problem}\n`);
  process.exitCode = parsed.exitCode;
}
