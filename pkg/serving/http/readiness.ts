/** True when ready; false or a text that says why not. Must not throw, wait or block. */
export type ReadinessCheck = () => boolean | string;

/** The named conditions under which a process takes work. Ready when all of them hold. */
export interface Readiness {
  /** Adds a check; disposing of the result takes it away. Throws when the name is taken. */
  add(name: string, check: ReadinessCheck): Disposable;
  /** What does not hold now: "name" or "name: why". */
  failing(): readonly string[];
}

/** A {@link Readiness} with these checks to begin with. Without any it is ready. */
export function createReadiness(checks: Readonly<Record<string, ReadinessCheck>> = {}): Readiness {
  const known = new Map<string, ReadinessCheck>(Object.entries(checks));
  return {
    add(name, check) {
      if (known.has(name)) throw new Error(`there is a readiness check named ${name} already`);
      known.set(name, check);
      return { [Symbol.dispose]: () => void known.delete(name) };
    },
    failing() {
      return [...known].flatMap(([name, check]) => {
        const found = check();
        if (found === true) return [];
        return [found === false || found === "" ? name : `${name}: ${found}`];
      });
    },
  };
}
