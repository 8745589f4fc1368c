import type { Session } from "./session.ts";

/** What a case needs beyond a server that answers requests. */
export type Need =
  /** Old versions can be forgotten on demand. */
  | "compaction"
  /** A ServiceAccount token that ran out can be had. */
  | "expired tokens";

/** One story told to a server. Everything it sends and gets back is recorded; it asserts nothing itself. */
export interface Case {
  readonly feature: string;
  readonly name: string;
  /** Cases with needs run after all others, since they disturb what runs beside them. */
  readonly needs: readonly Need[];
  readonly tell: Story;
}

/** Sends requests through the session; throws only when the story can not go on. */
export type Story = (session: Session) => Promise<void>;

/** The cases of one feature, by name. Each gets a namespace of its own, so that they may run in any order. */
export function feature(name: string, stories: Readonly<Record<string, Story>>, needs: readonly Need[] = []): Case[] {
  return Object.entries(stories).map(([story, tell]) => ({ feature: name, name: story, needs, tell }));
}

/** Name of a case in reports and in golden files. */
export function titleOf(case_: Pick<Case, "feature" | "name">): string {
  return `${case_.feature}: ${case_.name}`;
}
