import { boolean, choice, defineOptions, duration, klogSpecs, type OptionsOf } from "../options/index.ts";

/** The flags that every program has. */
export const processOptions = defineOptions({
  version: boolean("version", false, "Print the program's name and version, then exit"),
  shutdownTimeout: duration(
    "shutdown-timeout",
    "25s",
    "How long work under way may take to finish after a signal to stop; a second signal stops at once",
  ),
  loggingFormat: choice("logging-format", "json", ["json", "text"], "Format of log lines"),
  listFailpoints: boolean(
    "list-failpoints",
    false,
    "Print the points at which tests may break this program, then exit",
  ),
  ...klogSpecs,
}).check((options, problem) => {
  if (options.shutdownTimeout < 0) problem("shutdown-timeout", "must not be negative");
});

export type ProcessOptions = OptionsOf<typeof processOptions>;
