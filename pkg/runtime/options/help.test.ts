import { expect, it } from "vitest";
import { boolean, choice, text } from "./builders.ts";
import { renderFlagsPage } from "./flags-page.ts";
import { renderHelp } from "./help.ts";
import { klogSpecs, levelOfVerbosity } from "./klog.ts";
import { defineOptions } from "./options.ts";

const group = {
  title: "server",
  options: defineOptions({
    cert: text("tls-cert", "", "Certificate of the server, as a PEM file that may hold a chain", {
      env: "TLS_CERT_PATH",
    }),
    format: choice("format", "json", ["json", "text"], "Output", { short: "o" }),
    token: text("token", "hidden-default", "Token", { secret: true }),
    old: boolean("old", false, "Old switch", { compatOnly: true }),
  }),
};

it("renders help by groups, wrapped, with defaults and environment", () => {
  expect(renderHelp({ name: "prog", summary: "Does things." }, [group, group], 50)).toBe(`Usage: prog [flags]

Does things.

server:
  --tls-cert text
      Certificate of the server, as a PEM file
      that may hold a chain (environment
      TLS_CERT_PATH)
  -o, --format json|text
      Output (default json)
  --token text
      Token
  --old
      Old switch (accepted for compatibility, has
      no effect; default false)

Flags take one or two dashes. Switches are set with --flag or --flag=false.
`);
});

it("renders the reference page", () => {
  const page = renderFlagsPage([{ name: "prog", summary: "Does things.", groups: [group] }]);
  expect(page).toContain("## prog\n\nDoes things.\n\n### prog: server\n");
  expect(page).toContain("| `--format`, `-o` | json\\|text | `json` |  | Output |");
  expect(page).toContain("| `--tls-cert` | text |  | `TLS_CERT_PATH` |");
  expect(page).not.toContain("hidden-default");
});

it("says of every klog flag but -v that it changes nothing", () => {
  const effective = Object.values(klogSpecs).filter((spec) => spec.compatOnly !== true);
  expect(effective.map((spec) => spec.flag)).toEqual(["v"]);
});

it.each([
  [0, "info"],
  [3, "info"],
  [4, "debug"],
  [5, "trace"],
  [10, "trace"],
])("-v=%i is %s", (verbosity, level) => expect(levelOfVerbosity(verbosity)).toBe(level));
