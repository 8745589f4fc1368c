import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { renderSecretFields, secretFields } from "./generate-secret-fields.ts";
import { compileProto, differences, factsOf, factsOfTable, readTable, tables } from "./wire-contract.ts";

const root = resolve(import.meta.dirname, "..");
const files = compileProto(root);
const csi = "csi/v1/csi.proto";

const count = (facts: readonly string[], prefix: string): number =>
  facts.filter((each) => each.startsWith(`${prefix}\t`)).length;

describe("proto/", () => {
  it("has a field table for each of its files", () => {
    expect(files.map((each) => each.name).sort()).toEqual(Object.keys(tables).sort());
  });

  it.each(files.map((each) => [each.name, each] as const))(
    "%s says what its table says, no more and no less",
    (_, file) => {
      const table = factsOfTable(readTable(root, file.name));
      expect(differences(table, factsOf(file))).toEqual({ missing: [], extra: [] });
      expect(new Set(table).size).toBe(table.length);
    },
  );

  it("covers all of CSI 1.12", () => {
    const facts = factsOfTable(readTable(root, csi));
    expect([count(facts, "service"), count(facts, "message"), count(facts, "enum")]).toEqual([5, 94, 8]);
    expect(facts.filter((each) => /^service .*\trpc\t/.test(each))).toHaveLength(32);
    expect(facts.filter((each) => each.endsWith("csi_secret") || each.includes("csi_secret,"))).toHaveLength(19);
  });

  it("keeps the generated list of secret fields in step", () => {
    const generated = readFileSync(resolve(root, "pkg/csi/secrets/secret-fields.ts"), "utf8");
    expect(generated).toBe(renderSecretFields(secretFields({ file: files })));
  });
});

describe("the comparison", () => {
  const proto = factsOf(files.find((each) => each.name === csi) ?? expect.unreachable("no CSI descriptor"));

  it.each([
    [
      "a number",
      "\tfield\t5\tsecrets\tmap<string,string>\t\tcsi_secret",
      "\tfield\t9\tsecrets\tmap<string,string>\t\tcsi_secret",
    ],
    ["a type", "\tfield\t2\tcapacity_range\tCapacityRange", "\tfield\t2\tcapacity_range\tint64"],
    ["a label", "\tfield\t1\tcapabilities\trepeated PluginCapability", "\tfield\t1\tcapabilities\tPluginCapability"],
    ["a oneof", "PluginCapability.Service\toneof type", "PluginCapability.Service\t"],
    ["an option", "\tcsi_secret", "\t"],
    ["a streaming flag", "\tserver-stream", "\t"],
    ["an enum value", "\tvalue\t3\tGROUP_CONTROLLER_SERVICE", "\tvalue\t7\tGROUP_CONTROLLER_SERVICE"],
    ["an option's own number", "extension\t1059", "extension\t1058"],
    ["a request", "CreateVolumeRequest -> ", "DeleteVolumeRequest -> "],
  ])("finds %s that differs", (_, from, to) => {
    const text = readTable(root, csi);
    expect(text).toContain(from);
    const { missing, extra } = differences(factsOfTable(text.replace(from, to)), proto);
    expect([missing.length, extra.length]).toEqual([1, 1]);
  });

  it("finds what only one side has", () => {
    const table = factsOfTable(readTable(root, csi));
    expect(differences(table.slice(0, -1), proto).extra).toEqual(["enum BlockMetadataType\tvalue\t2\tVARIABLE_LENGTH"]);
    expect(differences([...table, "message\tMore"], proto).missing).toEqual(["message\tMore"]);
  });
});
