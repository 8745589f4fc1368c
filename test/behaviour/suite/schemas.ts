const text = { type: "string" };
const integer = { type: "integer" };

function object(properties: object, more: object = {}): object {
  return { type: "object", properties, ...more };
}

function list(items: object, more: object = {}): object {
  return { type: "array", items, ...more };
}

const conditions = list(object({ type: text, status: text, reason: text }, { required: ["type", "status"] }), {
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
});

/** Every feature of a structural schema but CEL: types, bounds, formats, defaults, pruning, list types, junctors. */
export const widgetSchema = object({
  spec: object(
    {
      size: { ...integer, minimum: 1, maximum: 100, multipleOf: 1 },
      mode: { ...text, enum: ["Fast", "Slow"], default: "Slow" },
      label: { ...text, pattern: "^[a-z]+$", minLength: 2, maxLength: 8 },
      ratio: { type: "number", minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true },
      small: { ...integer, format: "int32" },
      large: { ...integer, format: "int64" },
      flag: { type: "boolean", default: true },
      when: { ...text, format: "date-time" },
      day: { ...text, format: "date" },
      data: { ...text, format: "byte" },
      id: { ...text, format: "uuid" },
      span: { ...text, format: "duration" },
      tags: list({ ...text, maxLength: 5 }, { "x-kubernetes-list-type": "set", minItems: 1, maxItems: 3 }),
      ports: list(
        object(
          {
            name: text,
            port: { ...integer, default: 80 },
            protocol: { ...text, enum: ["TCP", "UDP"], default: "TCP" },
          },
          { required: ["name"] },
        ),
        { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
      ),
      limits: {
        type: "object",
        additionalProperties: { "x-kubernetes-int-or-string": true },
        maxProperties: 2,
        minProperties: 1,
      },
      target: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
      nested: object({ depth: { ...integer, default: 3 }, note: text }, { default: {} }),
      deeper: object({ depth: { ...integer, default: 3 }, note: text }),
      maybe: { ...text, nullable: true },
      never: { ...text, default: "filled" },
      maybeFilled: { ...text, nullable: true, default: "filled" },
      anything: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      partly: object({ known: object({ a: text }) }, { "x-kubernetes-preserve-unknown-fields": true }),
      template: {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
      },
      choice: object({ a: text, b: text }, { oneOf: [{ required: ["a"] }, { required: ["b"] }] }),
      either: object({ a: text, b: text }, { anyOf: [{ required: ["a"] }, { required: ["b"] }] }),
      neither: object({ a: text, b: text }, { not: { required: ["a", "b"] } }),
      whole: object({ a: text }, { "x-kubernetes-map-type": "atomic" }),
    },
    { required: ["size"] },
  ),
  status: object({
    ready: { type: "boolean" },
    phase: { ...text, enum: ["Waiting", "Done"] },
    observed: { ...integer, minimum: 0 },
    conditions,
  }),
});

function rules(...list: readonly object[]): object {
  return { "x-kubernetes-validations": list };
}

/** CEL: comparisons, transitions, presence, macros, message expressions, reasons, field paths, lists and maps. */
export const gaugeSchema = object({
  spec: object(
    {
      min: { ...integer, ...rules({ rule: "self >= 0", message: "min must not be negative" }) },
      max: integer,
      serial: { ...text, maxLength: 20, ...rules({ rule: "self == oldSelf", message: "serial is immutable" }) },
      unit: {
        ...text,
        maxLength: 20,
        ...rules({ rule: "self in ['bar', 'psi']", messageExpression: "'no such unit: ' + self" }),
      },
      code: { ...text, maxLength: 20, ...rules({ rule: "self.matches('^[A-Z]{2}[0-9]+$')" }) },
      grows: { ...integer, ...rules({ rule: "self >= oldSelf", message: "grows must not shrink" }) },
      names: list(
        { ...text, maxLength: 10, ...rules({ rule: "self.startsWith('n')", message: "must start with n" }) },
        {
          maxItems: 5,
          ...rules({ rule: "self.all(a, self.exists_one(b, a == b))", message: "names must differ" }),
        },
      ),
      weights: {
        type: "object",
        maxProperties: 5,
        additionalProperties: { ...integer, ...rules({ rule: "self < 10", reason: "FieldValueForbidden" }) },
      },
      left: { ...text, maxLength: 20 },
      right: { ...text, maxLength: 20 },
      parts: list(object({ name: { ...text, maxLength: 10 }, size: integer }, { required: ["name"] }), {
        maxItems: 5,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        ...rules({ rule: "self.map(p, has(p.size) ? p.size : 0).all(s, s <= 100)", message: "a part is too large" }),
      }),
      since: {
        ...text,
        format: "date-time",
        ...rules({ rule: "self > timestamp('2020-01-01T00:00:00Z')", message: "since is too early" }),
      },
      every: {
        ...text,
        format: "duration",
        ...rules({ rule: "self <= duration('1h')", message: "every is longer than an hour" }),
      },
      deleted: object(
        { at: text },
        rules({ rule: "has(self.at) || !has(oldSelf.at)", message: "at may not be taken away", fieldPath: ".at" }),
      ),
      once: object(
        { value: { ...text, maxLength: 20 } },
        rules({
          rule: "!oldSelf.hasValue() || self == oldSelf.value()",
          optionalOldSelf: true,
          message: "value is set once",
        }),
      ),
    },
    rules(
      { rule: "!has(self.min) || !has(self.max) || self.min <= self.max", message: "min must not exceed max" },
      {
        rule: "!(has(self.left) && has(self.right))",
        message: "left and right exclude each other",
        fieldPath: ".right",
        reason: "FieldValueDuplicate",
      },
      { rule: "has(oldSelf.left) == has(self.left)", message: "left is set on creation or never" },
    ),
  ),
});

/** Two fields and no rules. */
export const gadgetSchema = object({
  spec: object({ size: integer, note: text }),
  status: object({ ready: { type: "boolean" } }),
});
