export { type KeyedRate, keyedRate, type Rate, type RateRules, rate } from "./rate.ts";
