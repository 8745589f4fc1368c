import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { stringifyJson } from "../wire/json.ts";
import { ApiFailure, tooLarge } from "../wire/status.ts";

const bodyLimit = 3 * 1024 * 1024;

/** A finished answer: a JSON document or a text. */
export interface Answer {
  readonly code: number;
  readonly json?: object;
  readonly text?: string;
  readonly contentType?: string;
}

/** What the real server says of paths it does not know. */
export const pageNotFound: Answer = { code: 404, text: "404 page not found\n" };

/** One request and its answer, the same for HTTP/1.1 and HTTP/2. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly url: URL;
  readonly warnings: string[] = [];

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? "GET";
    this.url = new URL(String(request.url ?? "/"), "https://server");
  }

  header(name: string): string {
    const value = this.request.headers[name];
    return Array.isArray(value) ? (value[0] ?? "") : (value ?? "");
  }

  /** Reads the whole body. Throws 413 beyond three mebibytes, as the API server does. */
  async body(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.request) {
      size += (chunk as Buffer).length;
      if (size > bodyLimit) throw tooLarge(`limit is ${bodyLimit}`);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }

  json(code: number, value: unknown, contentType = "application/json"): void {
    this.send(code, contentType, `${stringifyJson(value)}\n`);
  }

  answer({ code, json, text, contentType }: Answer): void {
    if (json !== undefined) this.json(code, json, contentType);
    else this.send(code, contentType ?? "text/plain; charset=utf-8", text ?? "");
  }

  send(code: number, contentType: string, body: string): void {
    const bytes = Buffer.from(body);
    this.begin(code, contentType, { "content-length": String(bytes.length) });
    const { response } = this;
    if (this.method === "HEAD") response.end();
    else response.end(bytes);
  }

  /** Writes the head of an answer; the body may follow in parts. */
  begin(code: number, contentType: string, extra: Readonly<Record<string, string>> = {}): void {
    const warnings = [...new Set(this.warnings)].map((each) => `299 - ${quoted(each)}`);
    const headers: OutgoingHttpHeaders = {
      "content-type": contentType,
      "cache-control": "no-cache, private",
      ...extra,
    };
    if (warnings.length > 0) this.response.setHeader("warning", warnings);
    this.response.writeHead(code, headers);
  }

  fail(thrown: unknown): void {
    if (this.response.headersSent) {
      this.response.end();
      return;
    }
    const failure = thrown instanceof ApiFailure ? thrown : new ApiFailure(500, "", messageFor(thrown));
    const retry = failure.details?.retryAfterSeconds;
    if (retry !== undefined) this.response.setHeader("retry-after", String(retry));
    this.json(failure.code, failure.status());
  }

  /** Waits until more may be written. */
  write(text: string): boolean {
    return this.response.write(text);
  }
}

const messageFor = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const quoted = (text: string): string =>
  `"${text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replace(/[\r\n]+/g, " ")}"`;
