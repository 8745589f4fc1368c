/**
 * Compares proto/ with the field tables beside it. The tables hold the facts of each published contract; the .proto
 * files are written from them. Both directions count: what is missing, and what is extra.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

type Options = Readonly<Record<string, unknown>>;

interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly label: string;
  readonly type: string;
  readonly typeName?: string;
  readonly extendee?: string;
  readonly oneofIndex?: number;
  readonly proto3Optional?: boolean;
  readonly options?: Options;
}

interface EnumDescriptor {
  readonly name: string;
  readonly value: readonly { readonly name: string; readonly number: number; readonly options?: Options }[];
  readonly options?: Options;
}

interface MessageDescriptor {
  readonly name: string;
  readonly field?: readonly FieldDescriptor[];
  readonly nestedType?: readonly MessageDescriptor[];
  readonly enumType?: readonly EnumDescriptor[];
  readonly oneofDecl?: readonly { readonly name: string }[];
  readonly options?: Options;
}

interface ServiceDescriptor {
  readonly name: string;
  readonly method: readonly {
    readonly name: string;
    readonly inputType: string;
    readonly outputType: string;
    readonly clientStreaming?: boolean;
    readonly serverStreaming?: boolean;
    readonly options?: Options;
  }[];
  readonly options?: Options;
}

/** The parts of a file descriptor that a field table tells about, as buf prints them. */
export interface FileDescriptor {
  readonly name: string;
  readonly package: string;
  readonly syntax?: string;
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly EnumDescriptor[];
  readonly service?: readonly ServiceDescriptor[];
  readonly extension?: readonly FieldDescriptor[];
}

/** The table of each .proto file, both below proto/. */
export const tables: Readonly<Record<string, string>> = {
  "csi/v1/csi.proto": "csi/v1/csi-v1.12-fields.tsv",
  "snapshotmetadata/snapshotmetadata.proto": "snapshotmetadata/snapshotmetadata-fields.tsv",
  "grpc/health/v1/health.proto": "grpc/health/v1/health-fields.tsv",
};

/** Every fact of a .proto file as one line, in the columns of the tables, each under the name it belongs to. */
export function factsOf(file: FileDescriptor): string[] {
  const local = (name: string): string => name.replace(`.${file.package}.`, "").replace(/^\./, "");
  return [
    line("package", file.package, file.syntax ?? "proto2"),
    ...(file.extension ?? []).map((each) =>
      line("extension", each.number, each.name, scalar(each, local), `extends ${local(each.extendee ?? "")}`),
    ),
    ...(file.service ?? []).flatMap((each) => serviceFacts(each, local)),
    ...(file.messageType ?? []).flatMap((each) => messageFacts(each, "", local)),
    ...(file.enumType ?? []).flatMap((each) => enumFacts(each, "")),
  ];
}

/** The same facts from a table. A line that begins with a tab belongs to the line above that does not. */
export function factsOfTable(text: string): string[] {
  let owner = "";
  return text
    .split("\n")
    .filter((each) => each.trim() !== "")
    .map((each) => {
      const columns = each.split("\t").map(sortedOptions);
      if (columns[0] !== "") {
        owner = `${columns[0]} ${columns[1]}`;
        return line(...columns);
      }
      return line(owner, ...columns.slice(1));
    });
}

/** Only the column of options holds words with commas; their order tells nothing. */
function sortedOptions(column: string): string {
  return /^\w+(,\w+)+$/.test(column) ? column.split(",").sort().join(",") : column;
}

/** Facts that only one side has. */
export function differences(
  table: readonly string[],
  proto: readonly string[],
): { readonly missing: string[]; readonly extra: string[] } {
  const [wanted, found] = [new Set(table), new Set(proto)];
  return {
    missing: table.filter((each) => !found.has(each)),
    extra: proto.filter((each) => !wanted.has(each)),
  };
}

/** The descriptors of everything in proto/, as buf compiles it. */
export function compileProto(root: string): FileDescriptor[] {
  const json = execFileSync("buf", ["build", "--as-file-descriptor-set", "--exclude-imports", "-o", "-#format=json"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return (JSON.parse(json) as { readonly file: FileDescriptor[] }).file;
}

/** The text of a file's table. */
export function readTable(root: string, proto: string): string {
  return readFileSync(resolve(root, "proto", tables[proto] ?? `no table for ${proto}`), "utf8");
}

/** Trailing empty columns tell nothing. */
function line(...columns: readonly (string | number)[]): string {
  return columns.join("\t").trimEnd();
}

function optionNames(options: Options = {}): string {
  const names = Object.entries(options).filter(([, value]) => value === true);
  const others = Object.entries(options).filter(([name, value]) => value !== true && name !== "mapEntry");
  if (others.length > 0) throw new Error(`option that no table can tell: ${JSON.stringify(others)}`);
  return names
    .map(([name]) => name.replace(/^\[(?:.*\.)?([^.]+)\]$/, "$1"))
    .sort()
    .join(",");
}

function serviceFacts(service: ServiceDescriptor, local: (name: string) => string): string[] {
  const owner = `service ${service.name}`;
  return [
    line("service", service.name, optionNames(service.options)),
    ...service.method.map((each) => {
      const streaming = [each.clientStreaming && "client-stream", each.serverStreaming && "server-stream"];
      const types = `${local(each.inputType)} -> ${local(each.outputType)}`;
      return line(owner, "rpc", each.name, types, streaming.filter(Boolean).join(","), optionNames(each.options));
    }),
  ];
}

function messageFacts(message: MessageDescriptor, scope: string, local: (name: string) => string): string[] {
  const name = `${scope}${message.name}`;
  const maps = new Map<string, string>();
  for (const nested of message.nestedType ?? []) {
    if (nested.options?.["mapEntry"] !== true) continue;
    maps.set(`${name}.${nested.name}`, `map<${(nested.field ?? []).map((each) => scalar(each, local)).join(",")}>`);
  }
  const nested = (message.nestedType ?? []).filter((each) => each.options?.["mapEntry"] !== true);
  return [
    line("message", name, optionNames(message.options)),
    ...(message.field ?? []).map((field) => {
      const oneof = field.oneofIndex === undefined ? undefined : message.oneofDecl?.[field.oneofIndex]?.name;
      const type = maps.get(local(field.typeName ?? "")) ?? labelled(field, local);
      const member = oneof === undefined || field.proto3Optional ? "" : `oneof ${oneof}`;
      return line(`message ${name}`, "field", field.number, field.name, type, member, optionNames(field.options));
    }),
    ...(message.enumType ?? []).flatMap((each) => enumFacts(each, `${name}.`)),
    ...nested.flatMap((each) => messageFacts(each, `${name}.`, local)),
  ];
}

function enumFacts(each: EnumDescriptor, scope: string): string[] {
  const name = `${scope}${each.name}`;
  const values = each.value.map(({ number, name: value, options }) =>
    line(`enum ${name}`, "value", number, value, "", "", optionNames(options)),
  );
  return [line("enum", name, optionNames(each.options)), ...values];
}

function labelled(field: FieldDescriptor, local: (name: string) => string): string {
  if (field.label === "LABEL_REPEATED") return `repeated ${scalar(field, local)}`;
  return field.proto3Optional ? `optional ${scalar(field, local)}` : scalar(field, local);
}

function scalar({ type, typeName }: FieldDescriptor, local: (name: string) => string): string {
  return typeName === undefined ? type.replace("TYPE_", "").toLowerCase() : local(typeName);
}
