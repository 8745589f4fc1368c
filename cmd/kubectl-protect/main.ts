import manifest from "../../package.json" with { type: "json" };
import { runCli, verbs } from "../../pkg/cli/index.ts";

// Deprecations inside libraries are for us to read, not for the person at the command line.
process.noDeprecation = true;

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => stopping.abort(new Error(`${name} was received`)));
}
// A reader that has had enough (head, less) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") stopping.abort(error);
});

process.exitCode = await runCli(
  {
    program: "kubectl-protect",
    verbs,
    argv: process.argv.slice(2),
    kill: () => process.kill(process.pid, "SIGKILL"),
  },
  {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: stopping.signal,
    version: `v${manifest.version}`,
  },
);
