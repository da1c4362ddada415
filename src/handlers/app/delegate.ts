/** Has a class answer for what another one can do, by an instance of that one. */

/**
 * Gives `light` all accessors and methods of `full` that it has not itself, and the same prototype chain, so that its instances are instances of
 * `full` too.
 *
 * @param become the full object that stands for a light one from then on
 */
export function delegate<L extends object, F extends object>(
  light: { readonly prototype: L },
  full: { readonly prototype: F },
  become: (self: L) => F,
): void {
  for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(full.prototype))) {
    if (name === 'constructor' || Object.hasOwn(light.prototype, name)) continue;
    if (get !== undefined) {
      const accessor = {
        get(this: L): unknown {
          return get.call(become(this)) as unknown;
        },
      };
      Object.defineProperty(light.prototype, name, { ...accessor, configurable: true, enumerable: true });
    } else if (typeof value === 'function') {
      const method = {
        [name](this: L, ...args: unknown[]): unknown {
          return (value as (...args: unknown[]) => unknown).apply(become(this), args);
        },
      }[name];
      Object.defineProperty(light.prototype, name, { value: method, configurable: true, writable: true });
    }
  }
  Object.setPrototypeOf(light.prototype, full.prototype);
}
