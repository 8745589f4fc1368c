import type { Machine } from "../registry/context.ts";
import { equalJson, type Json, type JsonObject, listAt, objectAt, textAt } from "../wire/json.ts";
import { amend } from "./amend.ts";
import type { News } from "./loop.ts";

const group = "rbac.authorization.k8s.io";

/** Fills cluster roles that aggregate others with the rules of those. */
export class RoleAggregation {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  step(news: News): void {
    if (!news.touched(group, "clusterroles")) return;
    const collection = this.#machine.store.collection(group, "clusterroles");
    for (const { key, object } of collection.list()) {
      const selectors = listAt(object, "aggregationRule", "clusterRoleSelectors");
      if (selectors.length === 0) continue;
      const rules = this.#rules(textAt(object, "metadata", "name"), selectors);
      if (equalJson(rules, listAt(object, "rules"))) continue;
      amend(collection, key, (next) => {
        next["rules"] = rules;
      });
    }
  }

  #rules(name: string, selectors: readonly Json[]): Json[] {
    const rules: Json[] = [];
    for (const { object } of this.#machine.store.collection(group, "clusterroles").list()) {
      if (textAt(object, "metadata", "name") === name || !selectors.some((each) => selects(each, object))) continue;
      for (const rule of listAt(object, "rules")) if (!rules.some((known) => equalJson(known, rule))) rules.push(rule);
    }
    return rules;
  }
}

function selects(selector: Json, object: JsonObject): boolean {
  const labels = objectAt(object, "metadata", "labels");
  return Object.entries(objectAt(selector, "matchLabels")).every(([key, value]) => labels[key] === value);
}
