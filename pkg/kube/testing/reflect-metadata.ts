/**
 * @peculiar/x509 uses a container library that will not load without the metadata half of Reflect. It stores one
 * value per class there; this is that much of it and no more. Import before @peculiar/x509.
 */
const stored = new WeakMap<object, Map<unknown, unknown>>();

const metadata = {
  defineMetadata: (key: unknown, value: unknown, target: object): void => {
    stored.set(target, (stored.get(target) ?? new Map()).set(key, value));
  },
  getOwnMetadata: (key: unknown, target: object): unknown => stored.get(target)?.get(key),
  getMetadata: (key: unknown, target: object): unknown => {
    for (let at: object | null = target; at; at = Object.getPrototypeOf(at)) {
      const values = stored.get(at);
      if (values?.has(key)) return values.get(key);
    }
    return undefined;
  },
};

if (!("getMetadata" in Reflect)) Object.assign(Reflect, metadata);
