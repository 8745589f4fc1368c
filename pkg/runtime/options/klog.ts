import { boolean, integer, text } from "./builders.ts";

const same = { compatOnly: true } as const;

/** The flags of k8s.io/klog, to be spread into `defineOptions`. Only `-v` changes anything: logs go to stderr, one line each, and are kept by the node. */
export const klogSpecs = {
  verbosity: integer("v", 0, "Log verbosity: 4 and above logs why nothing changed, 5 and above every step"),
  logtostderr: boolean("logtostderr", true, "Log to stderr", same),
  alsologtostderr: boolean("alsologtostderr", false, "Log to stderr as well as to files", same),
  stderrthreshold: text("stderrthreshold", "2", "Lowest severity that goes to stderr beside log files", same),
  vmodule: text("vmodule", "", "Verbosity by source file", same),
  logFile: text("log_file", "", "File to log to", same),
  logDir: text("log_dir", "", "Folder to log to", same),
  logFileMaxSize: integer("log_file_max_size", 1800, "Megabytes after which a log file is cut", same),
  skipHeaders: boolean("skip_headers", false, "Leave out the prefix of log lines", same),
  skipLogHeaders: boolean("skip_log_headers", false, "Leave out the headers of log files", same),
  oneOutput: boolean("one_output", false, "Write each severity to its own file only", same),
  addDirHeader: boolean("add_dir_header", false, "Add the source folder to log lines", same),
  logBacktraceAt: text("log_backtrace_at", ":0", "Log a stack trace at file:line", same),
};

/** Level of our log for klog's `-v`. */
export function levelOfVerbosity(verbosity: number): "info" | "debug" | "trace" {
  if (verbosity >= 5) return "trace";
  return verbosity >= 4 ? "debug" : "info";
}
