/** One exchange, a watch or a remark, before or after normalisation. Plain JSON. */
export type Entry = Exchange | Watched | Remark;

/** A request and its answer. */
export interface Exchange {
  /** Method, path and query. */
  readonly send: string;
  /** Who asks, where it is not the administrator. */
  readonly as?: string;
  /** Headers that differ from a plain JSON request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  /** Headers of the answer that tell a client something; see `toldHeaders`. */
  readonly told?: Readonly<Record<string, string>>;
  readonly answer?: unknown;
}

/** A watch and what it saw until the case ended it or the server did. */
export interface Watched {
  readonly watch: string;
  readonly as?: string;
  readonly status: number;
  readonly events: readonly unknown[];
  /** Whether the server ended the stream. */
  readonly ended: boolean;
}

/** Something derived from answers that the normaliser would erase, such as which of two versions is newer. */
export interface Remark {
  readonly remark: string;
  readonly value: unknown;
}

/** What one case said and heard, normalised. */
export type Transcript = readonly Entry[];

/** Transcripts of many cases, by title, and the server that they come from. */
export interface Recording {
  readonly serverVersion: string;
  readonly cases: Readonly<Record<string, Transcript>>;
}
