import { Environment } from "@marcbachmann/cel-js";
import { registerKubernetesFunctions } from "./cel-functions.ts";

/** A parsed CEL expression. Evaluation throws an Error whose message is CEL's. */
export interface CelProgram {
  readonly usesOldSelf: boolean;
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** CEL with the functions of Kubernetes; what is not declared may be anything. */
export function celEnvironment(isOldOptional: boolean): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: true,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  });
  registerKubernetesFunctions(environment);
  if (isOldOptional) environment.registerVariable("oldSelf", "optional<dyn>");
  return environment;
}

/** Parses CEL expressions, each once. */
export class CelCompiler {
  readonly #environment = celEnvironment(false);
  readonly #withOptional = celEnvironment(true);
  readonly #programs = new Map<string, CelProgram>();

  /**
   * `isOldOptional` says that oldSelf is an optional. Throws an Error when the expression can not be parsed;
   * definitions are checked before they are stored.
   */
  compile(expression: string, isOldOptional = false): CelProgram {
    const key = `${isOldOptional} ${expression}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const program = this.#parse(expression, isOldOptional ? this.#withOptional : this.#environment);
    this.#programs.set(key, program);
    return program;
  }

  #parse(expression: string, environment: Environment): CelProgram {
    const parsed = environment.parse(expression);
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
