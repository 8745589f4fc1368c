import { feature } from "../suite/case.ts";
import type { Doc } from "../suite/doc.ts";
import { crd, served } from "../suite/fixtures.ts";
import { gadgetSchema } from "../suite/schemas.ts";
import type { Session } from "../suite/session.ts";

const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** A definition that only this case has. */
function toy(c: Session, spec: object = {}, versions: readonly object[] = [served("v1", gadgetSchema)]): Doc {
  const { id } = c;
  const names = { plural: `${id}s`, kind: `T${id}` };
  const whole = crd(names, "Namespaced", versions) as Doc;
  return { ...whole, spec: { ...(whole["spec"] as object), ...spec } };
}

const nameOf = (c: Session) => `${c.id}s.${c.group}`;
const objects = (c: Session, version = "v1") => `/apis/${c.group}/${version}/namespaces/${c.ns}/${c.id}s`;
const object = (c: Session, name: string, more: object = {}) => ({
  apiVersion: `${c.group}/v1`,
  kind: `T${c.id}`,
  metadata: { name },
  ...more,
});

function conditionsOf(body: Doc): Record<string, string> {
  const { conditions } = (body.status ?? {}) as { conditions?: { type: string; status: string }[] | null };
  return Object.fromEntries((conditions ?? []).map(({ type, status }) => [type, status]));
}

/** Several controllers write conditions, in an order that is a matter of chance. */
function statusOf({ status }: Doc): unknown {
  const { conditions, ...rest } = (status ?? {}) as { conditions?: { type: string }[] | null };
  return { ...rest, conditions: conditions?.toSorted((a, b) => a.type.localeCompare(b.type)) };
}

async function established(c: Session): Promise<void> {
  await c.until(c.path("crds", nameOf(c)), ({ body }) => conditionsOf(body)["Established"] === "True", {
    select: statusOf,
  });
  // Serving follows a moment later.
  await c.settle(async () => (await c.quietly("GET", objects(c))).status === 200);
}

async function defined(c: Session, definition: Doc = toy(c)): Promise<void> {
  await c.create("crds", definition, { select: ({ spec }) => spec });
  await established(c);
}

async function undefine(c: Session): Promise<void> {
  await c.quietly("DELETE", c.path("crds", nameOf(c)));
}

/** A story that creates definitions that are all refused. */
function refused(...changes: ((c: Session) => Doc)[]) {
  return async (c: Session): Promise<void> => {
    for (const change of changes) await c.create("crds", change(c), { select: () => "accepted" });
    await undefine(c);
  };
}

const withSchema = (schema: object) => (c: Session) => toy(c, {}, [served("v1", schema)]);
const ofProperties = (properties: object) => withSchema({ type: "object", properties });

/** Kinds that come and go at run time. */
export const definition = feature("definition", {
  "a new kind": async (c) => {
    await c.send("GET", objects(c));
    await defined(c);
    await c.send("POST", objects(c), object(c, "a", { spec: { size: 1 } }));
    await c.send("GET", objects(c));
    await undefine(c);
  },
  "a kind that goes takes its objects along": async (c) => {
    await defined(c);
    await c.send("POST", objects(c), object(c, "a"));
    await c.remove("crds", nameOf(c), undefined, { select: ({ kind }) => kind });
    await c.until(c.path("crds", nameOf(c)), ({ status }) => status === 404);
    await c.until(objects(c), ({ status }) => status === 404);
    await defined(c);
    await c.send("GET", objects(c));
    await undefine(c);
  },
  "a kind whose object has a finalizer waits": async (c) => {
    await defined(c);
    const held = { metadata: { name: "a", finalizers: ["example.com/hold"] } };
    await c.send("POST", objects(c), object(c, "a", held));
    await c.remove("crds", nameOf(c), undefined, { select: ({ kind }) => kind });
    await c.until(`${objects(c)}/a`, ({ body }) => body.metadata?.deletionTimestamp !== undefined);
    await c.send("POST", objects(c), object(c, "late"));
    const headers = { "content-type": "application/merge-patch+json" };
    await c.send("PATCH", `${objects(c)}/a`, { metadata: { finalizers: null } }, { headers });
    await c.until(c.path("crds", nameOf(c)), ({ status }) => status === 404);
  },
  "the name must be plural and group": refused((c) => ({ ...toy(c), metadata: { name: `wrong.${c.group}` } })),
  "names that are no names": refused(
    (c) => toy(c, { names: { plural: "Upper", kind: "T" } }),
    (c) => toy(c, { names: { plural: `${c.id}s`, kind: "" } }),
    (c) => toy(c, { names: { plural: `${c.id}s`, kind: "Bad Kind" } }),
    (c) => toy(c, { group: "nodots" }),
    (c) => toy(c, { scope: "Galaxy" }),
  ),
  "no schema": refused((c) => toy(c, {}, [{ name: "v1", served: true, storage: true }])),
  "no version, or none stored, or two stored": refused(
    (c) => toy(c, {}, []),
    (c) => toy(c, {}, [{ ...served("v1", anything), storage: false }]),
    (c) => toy(c, {}, [served("v1", anything), served("v2", anything)]),
    (c) => toy(c, {}, [served("v1", anything), { ...served("v1", anything), storage: false }]),
  ),
  "a schema without types": refused(withSchema({}), withSchema({ type: "string" }), ofProperties({ a: {} })),
  "a schema that is not structural": refused(
    ofProperties({ a: { anyOf: [{ type: "string" }, { type: "integer" }] } }),
    ofProperties({
      a: { type: "object", properties: { x: { type: "string" } }, additionalProperties: { type: "string" } },
    }),
    ofProperties({ a: { type: "array" } }),
    ofProperties({ a: { type: "string", uniqueItems: true } }),
    ofProperties({ a: { type: "object", additionalProperties: false } }),
    ofProperties({ a: { type: "thing" } }),
  ),
  "a schema for metadata": refused(
    ofProperties({ metadata: { type: "object", properties: { labels: { type: "object" } } } }),
    ofProperties({ metadata: { type: "object", properties: { name: { type: "string", maxLength: 5 } } } }),
  ),
  "a default that does not fit": refused(
    ofProperties({ a: { type: "integer", default: "x" } }),
    ofProperties({ a: { type: "string", enum: ["x"], default: "y" } }),
    ofProperties({ a: { type: "object", properties: { b: { type: "string" } }, default: { c: 1 } } }),
  ),
  "a pattern that does not compile": refused(ofProperties({ a: { type: "string", pattern: "(" } })),
  "lists of maps and sets": refused(
    ofProperties({ a: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "map" } }),
    ofProperties({
      a: {
        type: "array",
        items: { type: "object", properties: { k: { type: "string" } } },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
      },
    }),
    ofProperties({ a: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "heap" } }),
  ),
  "a rule that does not compile": refused(
    ofProperties({ a: { type: "string", "x-kubernetes-validations": [{ rule: "self." }] } }),
    ofProperties({ a: { type: "string", "x-kubernetes-validations": [{ rule: "self.b == 1" }] } }),
    ofProperties({ a: { type: "string", "x-kubernetes-validations": [{ rule: "" }] } }),
  ),
  "a rule that is no question": refused(
    ofProperties({ a: { type: "string", "x-kubernetes-validations": [{ rule: "self" }] } }),
  ),
  "columns and selectable fields": refused(
    (c) =>
      toy(c, {}, [
        { ...served("v1", gadgetSchema), additionalPrinterColumns: [{ name: "A", type: "thing", jsonPath: ".a" }] },
      ]),
    (c) =>
      toy(c, {}, [
        { ...served("v1", gadgetSchema), additionalPrinterColumns: [{ name: "A", type: "string", jsonPath: "a" }] },
      ]),
    (c) => toy(c, {}, [{ ...served("v1", gadgetSchema), selectableFields: [{ jsonPath: ".spec.nothing" }] }]),
    (c) => toy(c, {}, [{ ...served("v1", gadgetSchema), selectableFields: [{ jsonPath: ".metadata.name" }] }]),
  ),
  "a group that Kubernetes keeps for itself": async (c) => {
    const group = `${c.id}.k8s.io`;
    const reserved = {
      ...toy(c, { group }),
      metadata: { name: `${c.id}s.${group}` },
    };
    await c.create("crds", reserved);
    const approved = { "api-approved.kubernetes.io": "https://example.com/1" };
    await c.create(
      "crds",
      { ...reserved, metadata: { name: `${c.id}s.${group}`, annotations: approved } },
      { select: ({ spec }) => spec },
    );
    await c.until(
      c.path("crds", `${c.id}s.${group}`),
      ({ body }) => conditionsOf(body)["Established"] === "True" && Object.keys(conditionsOf(body)).length === 3,
      {
        select: statusOf,
      },
    );
    await c.quietly("DELETE", c.path("crds", `${c.id}s.${group}`));
  },
  "what can not change": async (c) => {
    await defined(c);
    await c.patch("crds", nameOf(c), "merge", { spec: { scope: "Cluster" } });
    await c.patch("crds", nameOf(c), "merge", { spec: { group: "other.example.com" } });
    await c.patch("crds", nameOf(c), "merge", { spec: { names: { plural: "others" } } });
    await undefine(c);
  },
  "a schema that grows": async (c) => {
    await defined(c);
    await c.send("POST", objects(c), object(c, "a", { spec: { size: 1, fresh: "x" } }));
    const grown = {
      ...gadgetSchema,
      properties: { spec: { type: "object", properties: { fresh: { type: "string" } } } },
    };
    await c.patch(
      "crds",
      nameOf(c),
      "merge",
      { spec: { versions: [served("v1", grown)] } },
      { select: ({ metadata }) => metadata?.generation },
    );
    await c.until(
      `${objects(c)}?dryRun=All`,
      ({ body }) => (body["spec"] as { fresh?: string } | undefined)?.fresh === "x",
      { method: "POST", body: object(c, "b", { spec: { size: 1, fresh: "x" } }) },
    );
    await undefine(c);
  },
  "a version that is served no more": async (c) => {
    await defined(c, toy(c, {}, [served("v1", gadgetSchema), { ...served("v2", gadgetSchema), storage: false }]));
    await c.until(objects(c, "v2"), ({ status }) => status === 200);
    const versions = [served("v1", gadgetSchema), { ...served("v2", gadgetSchema), storage: false, served: false }];
    await c.patch(
      "crds",
      nameOf(c),
      "merge",
      { spec: { versions } },
      { select: ({ metadata }) => metadata?.generation },
    );
    await c.until(objects(c, "v2"), ({ status }) => status === 404);
    await undefine(c);
  },
  "two versions of one object": async (c) => {
    const name = `g-${c.id}`;
    await c.create("gadgets", { metadata: { name }, spec: { size: 1 } });
    await c.get("oldgadgets", name);
    await c.patch("oldgadgets", name, "merge", { spec: { note: "old" } });
    await c.get("gadgets", name);
    await c.remove("gadgets", name);
  },
  "two definitions of one kind": async (c) => {
    await defined(c);
    const other = toy(c, { names: { plural: `${c.id}z`, kind: `T${c.id}` } });
    const name = `${c.id}z.${c.group}`;
    await c.create("crds", { ...other, metadata: { name } }, { select: ({ spec }) => spec });
    await c.until(c.path("crds", name), ({ body }) => conditionsOf(body)["NamesAccepted"] === "False", {
      select: statusOf,
    });
    await c.quietly("DELETE", c.path("crds", name));
    await undefine(c);
  },
  "the status of a definition": async (c) => {
    await defined(c);
    await c.get("crds", nameOf(c), { subresource: "status", select: statusOf });
    await c.patch("crds", nameOf(c), "merge", { status: { storedVersions: [] } }, { subresource: "status" });
    await undefine(c);
  },
  "what is filled in": async (c) => {
    await c.create("crds", toy(c, { preserveUnknownFields: false }));
    await undefine(c);
  },
  "preserveUnknownFields is history": refused((c) => toy(c, { preserveUnknownFields: true })),
  "columns appear in tables": async (c) => {
    const column = { name: "Note", type: "string", jsonPath: ".spec.note" };
    await defined(c, toy(c, {}, [{ ...served("v1", gadgetSchema), additionalPrinterColumns: [column] }]));
    await c.send("POST", objects(c), object(c, "a", { spec: { note: "x" } }));
    const headers = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    await c.send("GET", objects(c), undefined, { headers });
    await undefine(c);
  },
  "a status subresource that comes later": async (c) => {
    await defined(c);
    await c.send("GET", `${objects(c)}/a/status`);
    await c.patch(
      "crds",
      nameOf(c),
      "json",
      [{ op: "add", path: "/spec/versions/0/subresources", value: { status: {} } }],
      { select: ({ metadata }) => metadata?.generation },
    );
    // While the kind is served anew, requests are told to come again.
    await c.until(objects(c), ({ status }) => status !== 503, { method: "POST", body: object(c, "a") });
    await c.until(`${objects(c)}/a/status`, ({ status }) => status === 200);
    await undefine(c);
  },
  "a list of definitions by group": async (c) => {
    const select = ({ items }: Doc) =>
      items?.filter(({ spec }) => (spec as { group: string }).group === c.group && false);
    const answer = await c.list("crds", {}, { select });
    c.remark("there are some", (answer.body.items?.length ?? 0) > 0);
  },
});
