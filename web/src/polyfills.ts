// Chrome 86 is the browser floor; these are the calls our libraries and we make that it lacks.
type AnyRecord = Record<PropertyKey, unknown>;

function define(target: object, name: string, value: unknown) {
  if (name in target) return;
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

function at(this: ArrayLike<unknown>, index: number) {
  const n = Math.trunc(index) || 0;
  return this[n < 0 ? this.length + n : n];
}

for (const proto of [Array.prototype, String.prototype]) define(proto, 'at', at);

define(
  Array.prototype,
  'findLast',
  function findLast(this: unknown[], test: (v: unknown) => boolean) {
    for (let i = this.length - 1; i >= 0; i--) if (test(this[i])) return this[i];
    return undefined;
  },
);
define(Array.prototype, 'toSorted', function toSorted(this: unknown[], by?: () => number) {
  return [...this].sort(by);
});
define(Array.prototype, 'toReversed', function toReversed(this: unknown[]) {
  return [...this].reverse();
});
define(String.prototype, 'replaceAll', function replaceAll(this: string, a: string, b: string) {
  return this.split(a).join(b);
});
define(Object, 'hasOwn', (o: AnyRecord, k: PropertyKey) => Object.hasOwn(o, k));
define(globalThis, 'structuredClone', (value: unknown) => JSON.parse(JSON.stringify(value)));

export {};
