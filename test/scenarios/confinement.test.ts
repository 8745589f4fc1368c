import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { permissions } from "../../cmd/demo/processes/tool.ts";

let folder: string;
let code: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "confinement-")));
  code = join(folder, "code");
  const library = join(folder, "elsewhere", "library");
  await Promise.all([mkdir(code), mkdir(library, { recursive: true })]);
  await writeFile(join(library, "package.json"), JSON.stringify({ name: "library", main: "index.js" }));
  await writeFile(join(library, "index.js"), "module.exports = 'loaded';");
  await symlink(join(folder, "elsewhere"), join(code, "node_modules"));
  await writeFile(join(folder, "secret"), "secret");
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs this program as the demo runs the rebuilding process. */
async function run(program: string): Promise<string> {
  const main = join(code, "main.mjs");
  await writeFile(main, program);
  const args = [...permissions({ read: [], write: [] }, code), main];
  return (await promisify(execFile)(process.execPath, args, { cwd: code })).stdout;
}

describe("a confined process", () => {
  it("loads libraries that lie behind a symlink", async () => {
    expect(await run('import library from "library"; console.log(library);')).toBe("loaded\n");
  });

  it("reads nothing else", async () => {
    const program = `import { readFileSync } from "node:fs"; readFileSync(${JSON.stringify(join(folder, "secret"))});`;
    await expect(run(program)).rejects.toMatchObject({ stderr: expect.stringContaining("ERR_ACCESS_DENIED") });
  });
});
