import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { type ControlPlaneOptions, startControlPlane } from "./control-plane.ts";

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a command against a fresh control plane, named to it by KUBECONFIG and TEST_KUBECONFIG
 * (its work folder by TEST_CONTROL_PLANE, its audit log by
 * TEST_AUDIT_LOG), and takes the control
 * plane down whatever the command did. Returns the command's exit code, 128 plus the number of a signal, or 127
 * when it could not be started.
 */
export async function runCommand(command: readonly string[], options: ControlPlaneOptions): Promise<number> {
  let child: ChildProcess | undefined;
  let stopped: NodeJS.Signals | undefined;
  const forward = (signal: NodeJS.Signals): void => {
    stopped = signal;
    child?.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, forward);
  try {
    await using plane = await startControlPlane(options);
    if (stopped !== undefined) return 128 + constants.signals[stopped];
    const names = { KUBECONFIG: plane.kubeconfig, TEST_KUBECONFIG: plane.kubeconfig, TEST_CONTROL_PLANE: plane.folder };
    const audit = options.auditLog === undefined ? {} : { TEST_AUDIT_LOG: options.auditLog };
    const env = { ...options.env, ...names, ...audit };
    child = spawn(command[0] ?? "", command.slice(1), { env, stdio: "inherit" });
    plane.follow(child.pid);
    const code = await exitCodeOf(child, options);
    plane.follow(undefined);
    return code;
  } finally {
    for (const signal of forwarded) process.off(signal, forward);
  }
}

async function exitCodeOf(child: ChildProcess, options: ControlPlaneOptions): Promise<number> {
  return await new Promise((resolve) => {
    child.once("error", (thrown) => {
      options.say?.(thrown.message);
      resolve(127);
    });
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  });
}
