export { defineOptions, type OptionSet, type OptionSpec, type OptionsOf, type Problem } from "./options.ts";
