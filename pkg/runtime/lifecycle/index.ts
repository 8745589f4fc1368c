export type { AnyComponent, Component, Env, PolicyRule, Runnable } from "./component.ts";
export { createEnv, type EnvParts, type OwnedEnv } from "./env.ts";
export { type ProcessOptions, processOptions } from "./process-options.ts";
export { type BuiltComponent, ComponentError, type RunRules, runComponents } from "./run-components.ts";
export { type ProcessLike, type Program, runProcess } from "./run-process.ts";
