/** Where paths are sent or rewritten to, as a person writes it: `/new/*?from=old`. */

export interface Target {
  /** What stands in front of the rest; of a target without one, all of it. */
  readonly front: string;
  /** Whether a `*` ends the path, or the whole, as in `/app#/*`; it stands for the rest of another path. */
  readonly hasRest: boolean;
  /** What stands behind the rest: query and fragment, with their `?` and `#`. */
  readonly end: string;
}

export function parseTarget(text: string): Target {
  const [path] = text.split(/[?#]/, 1) as [string];
  const before = [path, text].find((part) => part.endsWith('*'));
  if (before === undefined) return { front: text, hasRest: false, end: '' };
  return { front: before.slice(0, -1), hasRest: true, end: text.slice(before.length) };
}
