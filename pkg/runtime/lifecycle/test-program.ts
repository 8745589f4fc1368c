/** A small program for process.test.ts: what it does is its first flag. */
import { defineFailpoints } from "../failpoints/index.ts";
import { choice, defineOptions, type OptionsOf } from "../options/index.ts";
import { aborted } from "../timing/index.ts";
import type { Component } from "./component.ts";
import { runProcess } from "./run-process.ts";

const failpoints = defineFailpoints(["before-work"]);
const options = defineOptions({
  mode: choice("mode", "drain", ["drain", "stuck", "fail", "reject", "throw", "leak"], "What to do"),
});

/** Handles that nobody closes, as a forgotten timer. */
function leak(): void {
  setInterval(() => undefined, 1_000_000);
}

function explode(): void {
  throw new Error("out of the blue");
}

const worker: Component<OptionsOf<typeof options>> = {
  name: "worker",
  summary: "Works",
  options,
  rbac: [],
  failpoints,
  build: async ({ mode }, env) => ({
    async run(signal) {
      env.log.info("running");
      await failpoints.arm(env.failpoints)("before-work", signal);
      if (mode !== "drain") leak();
      if (mode === "fail") throw new Error("lost the socket");
      if (mode === "reject") void Promise.reject(Object.assign(new Error("nobody waits"), { metadata: "canary" }));
      if (mode === "throw") setImmediate(explode);
      if (mode === "stuck") await new Promise(() => undefined);
      await aborted(signal);
    },
  }),
};

process.exitCode = await runProcess(process, { name: "test-program", version: "v0", components: [worker] });
