import { boolean, defineOptions, integer, type OptionsOf, text } from "../../pkg/runtime/options/index.ts";

export const demoOptions = defineOptions({
  kubeconfig: text("kubeconfig", "", "Use this cluster (as its administrator) instead of the embedded API server"),
  rows: integer("rows", 200_000, "Rows of the database, 1000 to 500000; two percent of them are changed"),
  dropTuple: boolean("drop-tuple", false, "Let the driver lose one changed block: the demo must fail"),
  keep: boolean("keep", false, "Leave everything running at the end, and print how to reach it"),
  serve: boolean("serve", false, "Start API server, driver and sidecar only, and keep them until Ctrl-C"),
  json: boolean("json", false, "Print one JSON object per line: processes, steps, and the result last"),
}).check((options, problem) => {
  if (options.rows < 1000 || options.rows > 500_000) problem("rows", "must be between 1000 and 500000");
  if (options.serve && options.keep) problem("keep", "is what --serve does already, until Ctrl-C: give one of them");
  if (options.serve && options.dropTuple) problem("drop-tuple", "needs the whole demo: it does not go with --serve");
});

export type DemoOptions = OptionsOf<typeof demoOptions>;
