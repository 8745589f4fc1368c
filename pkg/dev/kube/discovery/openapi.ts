import { type Answer, pageNotFound } from "../http/exchange.ts";
import type { JsonObject } from "../wire/json.ts";
import { notAcceptable } from "../wire/status.ts";
import type { Discovery } from "./discovery.ts";
import type { OpenApiDocuments } from "./openapi-documents.ts";

/** Serves the OpenAPI documents, in JSON only. */
export class OpenApi {
  readonly #discovery: Discovery;
  readonly #documents: OpenApiDocuments;

  constructor(discovery: Discovery, documents: OpenApiDocuments) {
    this.#discovery = discovery;
    this.#documents = documents;
  }

  /** The document behind the path parts after `/openapi`. Throws 406 for other formats. */
  answer(parts: readonly string[], accept: string): Answer {
    if (accept !== "" && !/application\/json|\*\/\*/.test(accept)) throw notAcceptable(["application/json"]);
    if (parts[0] === "v2" && parts.length === 1) return { code: 200, json: this.#documents.v2() };
    if (parts[0] !== "v3") return pageNotFound;
    if (parts.length === 1) return { code: 200, json: { paths: this.#paths() } };
    const [, root, first = "", second = ""] = parts;
    const [group, version] = root === "api" ? ["", first] : [first, second];
    if (!this.#discovery.versions(group).includes(version)) return pageNotFound;
    return { code: 200, json: this.#documents.v3(group, version) };
  }

  #paths(): JsonObject {
    const entries = ["", ...this.#discovery.groups()].flatMap((group) =>
      this.#discovery.versions(group).map((version) => {
        const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
        const document = this.#documents.v3(group, version);
        const hash = Buffer.from(String(JSON.stringify(document).length))
          .toString("hex")
          .toUpperCase();
        return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
      }),
    );
    return Object.fromEntries(entries);
  }
}
