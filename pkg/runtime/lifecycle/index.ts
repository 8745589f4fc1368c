export type { AnyComponent, Component, Env, PolicyRule, Runnable } from "./component.ts";
