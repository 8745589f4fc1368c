import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { type KubeObject, parseJson, stringifyJson } from "../../pkg/apis/schema/index.ts";

/**
 * One example of a rule. The rule is the name of its folder; below `status.` it is about the status subresource.
 *
 * - `<name>.yaml`: is accepted, or refused with the text of `<name>.yaml.err`
 * - `<name>.pre.yaml`, `<name>.post.yaml`: the change is accepted, or refused with the text of `<name>.post.yaml.err`
 * - `<name>.given.yaml`, `<name>.stored.yaml`: what is sent, and what is kept of it
 */
export interface Fixture {
  /** Folder and file, for the title of a test. */
  readonly title: string;
  readonly rule: string;
  readonly before: KubeObject | undefined;
  readonly object: KubeObject;
  /** The refusal: its head, and one line per cause, sorted. */
  readonly error: string | undefined;
  readonly stored: KubeObject | undefined;
}

const root = resolve(import.meta.dirname, "../fixtures/crds");

/** The examples of a kind, by its lower-case name. */
export function fixturesOf(kind: string): Fixture[] {
  const folder = join(root, kind);
  return readdirSync(folder).flatMap((rule) =>
    readdirSync(join(folder, rule))
      .filter((file) => file.endsWith(".yaml") && !/\.(pre|stored)\.yaml$/.test(file))
      .map((file) => readFixture(join(folder, rule), rule, file)),
  );
}

function readFixture(folder: string, rule: string, file: string): Fixture {
  const beside = (ending: string): KubeObject | undefined => {
    const path = join(folder, file.replace(/\.(post|given)\.yaml$/, ending));
    return path !== join(folder, file) && existsSync(path) ? readObject(path) : undefined;
  };
  const path = join(folder, file);
  return {
    title: `${rule}/${file}`,
    rule,
    before: beside(".pre.yaml"),
    object: readObject(path),
    error: existsSync(`${path}.err`) ? readFileSync(`${path}.err`, "utf8").trimEnd() : undefined,
    stored: beside(".stored.yaml"),
  };
}

/** As the object would come over the wire: whole numbers as numbers where these hold them, else as bigint. */
function readObject(path: string): KubeObject {
  return parseJson(stringifyJson(parseYaml(readFileSync(path, "utf8"), { intAsBigInt: true }))) as KubeObject;
}
