/** Regenerates everything that is generated and shows what differs from what was there. Exit code 1 when anything does. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** What `make generate` writes. */
const generated = ["pkg/gen", "pkg/csi/secrets", "deploy/crds", "deploy/rbac", "docs/reference"];

function run(command: string, args: readonly string[]): number {
  return spawnSync(command, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}

const before = mkdtempSync(join(tmpdir(), "verify-"));
try {
  for (const folder of generated) cpSync(join(root, folder), join(before, folder), { recursive: true });
  if (run("make", ["--no-print-directory", "generate"]) !== 0) throw new Error("make generate failed");
  const differing = generated.filter(
    (folder) => run("git", ["--no-pager", "diff", "--no-index", "--exit-code", join(before, folder), folder]) !== 0,
  );
  for (const folder of differing) console.error(`${folder} was not up to date; it is now: commit it`);
  if (differing.length === 0) console.log(`verify: ${generated.join(", ")} are up to date`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} finally {
  rmSync(before, { recursive: true, force: true });
}
