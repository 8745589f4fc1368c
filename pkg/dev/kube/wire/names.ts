/** What names, labels and keys may look like; each check returns its complaints in the API server's words. */

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedKey = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const configKey = "[-._a-zA-Z0-9]+";

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const isLabel = whole(label);
const isSubdomain = whole(subdomain);
const isLabel1035 = whole(label1035);
const isKey = whole(qualifiedKey);
const isLabelValue = whole(`(${qualifiedKey})?`);
const isConfigKey = whole(configKey);

const bytes = (text: string): number => Buffer.byteLength(text);
const maxCharacters = (length: number): string => `must be no more than ${length} characters`;
const maxBytes = (length: number): string => `must be no more than ${length} bytes`;

/** The complaint of a failed regular expression, with its examples. */
export function regexComplaint(message: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

/** Checks a name; with `prefix`, one to which something will be appended. */
export type NameCheck = (name: string, prefix?: boolean) => string[];

const maskDash = (name: string, prefix: boolean): string =>
  prefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name;

export const dnsSubdomain: NameCheck = (name, prefix = false) => dnsSubdomainOf(maskDash(name, prefix));
export const dnsLabel: NameCheck = (name, prefix = false) => dnsLabelOf(maskDash(name, prefix));

function dnsSubdomainOf(name: string): string[] {
  return [
    ...(bytes(name) > 253 ? [maxCharacters(253)] : []),
    ...(isSubdomain.test(name)
      ? []
      : [
          regexComplaint(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            subdomain,
            "example.com",
          ),
        ]),
  ];
}

function dnsLabelOf(name: string): string[] {
  const complaints = bytes(name) > 63 ? [maxCharacters(63)] : [];
  if (isLabel.test(name)) return complaints;
  if (isSubdomain.test(name)) return [...complaints, "must not contain dots"];
  return [
    ...complaints,
    regexComplaint(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      label,
      "my-name",
      "123-abc",
    ),
  ];
}

export function dns1035Label(name: string): string[] {
  return [
    ...(bytes(name) > 63 ? [maxCharacters(63)] : []),
    ...(isLabel1035.test(name)
      ? []
      : [
          regexComplaint(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            label1035,
            "my-name",
            "abc-123",
          ),
        ]),
  ];
}

/** Names of roles and bindings, and of custom resources in paths: anything fit for one path segment. */
export const pathSegment: NameCheck = (name, prefix) => {
  if (!prefix && (name === "." || name === "..")) return [`may not be '${name}'`];
  return ["/", "%"].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
};

const keyMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const keyComplaint = (): string => regexComplaint(keyMessage, qualifiedKey, "MyName", "my.name", "123-abc");

/** Label keys, annotation keys, finalizers. */
export function qualifiedName(value: string): string[] {
  const parts = value.split("/");
  if (parts.length > 2) {
    return [
      `a valid label key ${keyComplaint()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? "";
  const complaints = parts.length === 2 ? prefixComplaints(parts[0] ?? "") : [];
  if (name === "") complaints.push("name part must be non-empty");
  else if (bytes(name) > 63) complaints.push(`name part ${maxBytes(63)}`);
  if (!isKey.test(name)) complaints.push(`name part ${keyComplaint()}`);
  return complaints;
}

function prefixComplaints(prefix: string): string[] {
  if (prefix === "") return ["prefix part must be non-empty"];
  return dnsSubdomainOf(prefix).map((each) => `prefix part ${each.replace("253 characters", "253 bytes")}`);
}

export function labelValue(value: string): string[] {
  return [
    ...(bytes(value) > 63 ? [maxBytes(63)] : []),
    ...(isLabelValue.test(value)
      ? []
      : [
          regexComplaint(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            `(${qualifiedKey})?`,
            "MyValue",
            "my_value",
            "12345",
          ),
        ]),
  ];
}

/** Keys of ConfigMap and Secret data. */
export function dataKey(value: string): string[] {
  const complaints = bytes(value) > 253 ? [maxCharacters(253)] : [];
  if (!isConfigKey.test(value)) {
    complaints.push(
      regexComplaint(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configKey,
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  }
  if (value === ".") complaints.push("must not be '.'");
  else if (value === "..") complaints.push("must not be '..'");
  else if (value.startsWith("..")) complaints.push("must not start with '..'");
  return complaints;
}
