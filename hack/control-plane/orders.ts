/** What the supervisor is told, one JSON document per line. */
export type Order =
  | {
      /** Start a program and watch it. */
      readonly kind: "start";
      readonly name: string;
      readonly file: string;
      readonly args: readonly string[];
      readonly log: string;
    }
  | {
      /** Kill this process and its descendants too, should the starter disappear. */
      readonly kind: "follow";
      readonly pid: number | undefined;
    };

/** What the supervisor says, one JSON document per line. */
export type Report =
  | { readonly kind: "watching"; readonly pid: number }
  | { readonly kind: "exited"; readonly name: string; readonly how: string };
