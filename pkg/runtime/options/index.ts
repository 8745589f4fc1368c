export { boolean, choice, duration, integer, list, number, type OptionExtra, text } from "./builders.ts";
export { type CommandLine, type Parsed, type ParseRules, parseCommandLine, type RefusedLine } from "./command-line.ts";
export { type FlagsPageProgram, renderFlagsPage } from "./flags-page.ts";
export { formatDuration, parseDuration } from "./go-duration.ts";
export { type HelpGroup, renderHelp } from "./help.ts";
export { klogSpecs, levelOfVerbosity } from "./klog.ts";
export {
  type AnyOptionSet,
  defineOptions,
  type OptionKind,
  type OptionSet,
  type OptionSpec,
  type OptionsOf,
  type Problem,
} from "./options.ts";
