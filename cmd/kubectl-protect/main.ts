import { basename } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { aliases, runCli, verbs } from "../../pkg/cli/index.ts";

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

// A link to this program, under the name of one of the originals, is that program.
const calledAs = basename(process.argv[1] ?? "");

process.exitCode = await runCli(
  {
    program: calledAs in aliases ? calledAs : "kubectl-protect",
    verbs,
    aliases,
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
