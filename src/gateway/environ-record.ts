/** An environ as an object, for applications in this process. */

/**
 * Adds the variables of a text of `name NUL value NUL …`, with or without a NUL at its end, to an object.
 *
 * @returns the object
 */
export function addVariables<T extends Record<string, unknown>>(text: string, environ: T): T {
  for (let at = 0; at < text.length;) {
    const nameEnd = text.indexOf('\0', at);
    const found = text.indexOf('\0', nameEnd + 1);
    const valueEnd = found === -1 ? text.length : found;
    (environ as Record<string, unknown>)[text.slice(at, nameEnd)] = text.slice(nameEnd + 1, valueEnd);
    at = valueEnd + 1;
  }
  return environ;
}
