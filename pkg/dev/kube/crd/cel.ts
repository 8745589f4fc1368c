import { Environment } from "@marcbachmann/cel-js";
import { registerKubernetesFunctions } from "./cel-functions.ts";

/** A parsed CEL expression. Evaluation throws an Error whose message is CEL's. */
export interface CelProgram {
  readonly usesOldSelf: boolean;
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** Parses CEL expressions, each once. */
export class CelCompiler {
  readonly #environment: Environment;
  readonly #programs = new Map<string, CelProgram>();

  constructor() {
    this.#environment = new Environment({
      unlistedVariablesAreDyn: true,
      enableOptionalTypes: true,
      homogeneousAggregateLiterals: false,
    });
    registerKubernetesFunctions(this.#environment);
  }

  /** Throws an Error when the expression can not be parsed; definitions are checked before they are stored. */
  compile(expression: string): CelProgram {
    const known = this.#programs.get(expression);
    if (known) return known;
    const program = this.#parse(expression);
    this.#programs.set(expression, program);
    return program;
  }

  #parse(expression: string): CelProgram {
    const parsed = this.#environment.parse(expression);
    return {
      usesOldSelf: /\boldSelf\b/.test(withoutStrings(expression)),
      evaluate: (variables) => evaluate(() => parsed(variables as Record<string, unknown>)),
    };
  }
}

function evaluate(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    throw new Error(celGoMessage((thrown as Error).message));
  }
}

/** The library's message in the words of the API server's implementation, which clients know. */
function celGoMessage(message: string): string {
  const first = message.split("\n")[0] ?? "";
  const key = /^No such key: (?!index)(.*)$/.exec(first);
  if (key) return `no such key: ${key[1]}`;
  const index = /index (-?\d+)/.exec(first);
  if (index && /out of bounds/.test(first)) return `index out of bounds: ${index[1]}`;
  if (/division by zero/i.test(first)) return "division by zero";
  if (/modulus by zero|modulo by zero/i.test(first)) return "modulus by zero";
  return first;
}

const withoutStrings = (expression: string): string => expression.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, '""');
