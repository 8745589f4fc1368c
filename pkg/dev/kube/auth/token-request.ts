import { fill } from "../builtin/codec.ts";
import { decodeBuiltin, UnmarshalError } from "../builtin/decode.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import { type Machine, timestamp } from "../registry/context.ts";
import { keyOf } from "../storage/store.ts";
import { invalid } from "../wire/field-error.ts";
import { quote } from "../wire/go-text.ts";
import { at, isObject, type JsonObject, objectAt, textAt, textsAt } from "../wire/json.ts";
import { badRequest, conflict, invalidObject, notFound } from "../wire/status.ts";
import { issuer, type ObjectRef, type TokenIssuer } from "./tokens.ts";

const group = "authentication.k8s.io";

/** Makes ServiceAccount tokens: the `token` subresource. */
export class TokenRequests {
  readonly #machine: Machine;
  readonly #types: GoTypes;
  readonly #issuer: TokenIssuer;

  constructor(machine: Machine, types: GoTypes, tokens: TokenIssuer) {
    this.#machine = machine;
    this.#types = types;
    this.#issuer = tokens;
  }

  /** The TokenRequest with the token in its status. Throws ApiFailure. */
  create(namespace: string, name: string, body: JsonObject): JsonObject {
    const request = this.#decode(body);
    const meta = objectAt(request, "metadata");
    const mustMatch = (field: "name" | "namespace", wanted: string): void => {
      const given = textAt(meta, field);
      if (given === "" || given === wanted) return;
      throw invalidObject(group, "TokenRequest", name, [
        invalid(`metadata.${field}`, given, `must match the service account ${field} if specified`),
      ]);
    };
    mustMatch("name", name);
    mustMatch("namespace", namespace);
    const account = this.#machine.store.collection("", "serviceaccounts").get(keyOf(namespace, name))?.object;
    if (account === undefined) throw notFound({ group: "", resource: "serviceaccounts" }, name);
    return this.#issue(request, account, namespace, name);
  }

  #decode(body: JsonObject): JsonObject {
    try {
      const { object } = decodeBuiltin(this.#types, "authentication.v1.TokenRequest", body);
      const spec = objectAt(object, "spec");
      fill(spec, "expirationSeconds", 3600);
      object["spec"] = spec;
      return object;
    } catch (thrown) {
      if (!(thrown instanceof UnmarshalError)) throw thrown;
      throw badRequest(`TokenRequest in version "v1" cannot be handled as a TokenRequest: ${thrown.message}`);
    }
  }

  #issue(request: JsonObject, account: JsonObject, namespace: string, name: string): JsonObject {
    const spec = objectAt(request, "spec");
    const uid = textAt(account, "metadata", "uid");
    const givenUid = textAt(request, "metadata", "uid");
    if (givenUid !== "" && givenUid !== uid) {
      const why = `the UID in the token request (${givenUid}) does not match the UID of the service account (${uid})`;
      throw conflict({ group, resource: "TokenRequest" }, name, why);
    }
    const seconds = Number(spec["expirationSeconds"]);
    checkSeconds(seconds);
    const audiences = textsAt(spec, "audiences");
    const named = audiences.length === 0 ? [issuer] : audiences;
    const now = Math.floor(this.#machine.clock.now() / 1000);
    const bound = this.#bound(spec, namespace, name);
    const token = this.#issuer.issue({
      audiences: named,
      subject: `system:serviceaccount:${namespace}:${name}`,
      issuedAt: now,
      notBefore: now,
      expires: now + seconds,
      namespace,
      account: { name, uid },
      ...bound,
    });
    const status = { token, expirationTimestamp: timestamp(this.#machine.clock, seconds * 1000) };
    return {
      kind: "TokenRequest",
      apiVersion: `${group}/v1`,
      metadata: { name, namespace, uid, creationTimestamp: timestamp(this.#machine.clock) },
      spec: { audiences: named, expirationSeconds: seconds, boundObjectRef: spec["boundObjectRef"] ?? null },
      status,
    };
  }

  #bound(
    spec: JsonObject,
    namespace: string,
    account: string,
  ): { pod?: ObjectRef; secret?: ObjectRef; node?: ObjectRef } {
    const reference = at(spec, "boundObjectRef");
    if (!isObject(reference)) return {};
    const kind = textAt(reference, "kind");
    const apiVersion = textAt(reference, "apiVersion");
    const plural = { Pod: "pods", Secret: "secrets", Node: "nodes" }[kind];
    if (plural === undefined || apiVersion.includes("/")) {
      const [boundGroup, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
      throw badRequest(`cannot bind token to object of type ${boundGroup}/${version}, Kind=${kind}`);
    }
    const name = textAt(reference, "name");
    const found = this.#machine.store
      .collection("", plural)
      .get(keyOf(plural === "nodes" ? "" : namespace, name))?.object;
    if (found === undefined) throw notFound({ group: "", resource: plural }, name);
    if (plural === "pods" && textAt(found, "spec", "serviceAccountName") !== account) {
      throw badRequest(
        `cannot bind token for serviceaccount ${quote(account)} to pod running with different serviceaccount name.`,
      );
    }
    const uid = textAt(found, "metadata", "uid");
    const wanted = textAt(reference, "uid");
    if (wanted !== "" && wanted !== uid) {
      const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict({ group: "", resource: kind }, name, why);
    }
    return { [kind.toLowerCase()]: { name, uid } };
  }
}

function checkSeconds(seconds: number): void {
  const field = "spec.expirationSeconds";
  const refuse = (why: string): Error => invalidObject(group, "TokenRequest", "", [invalid(field, seconds, why)]);
  if (seconds < 600) throw refuse("may not specify a duration less than 10 minutes");
  if (seconds > 2 ** 32) throw refuse("may not specify a duration larger than 2^32 seconds");
}
