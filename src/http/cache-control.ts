/** The field Cache-Control (RFC 9111 section 5.2). */

/** Lower-case names → values without quotes; '' for those without one. Of one that is there twice, the first counts. */
export type Directives = ReadonlyMap<string, string>;

const DIRECTIVE =
  /^\s*(?<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*(?:=\s*(?:"(?<quoted>.*)"|(?<token>[^\s"]*)))?\s*$/;
/** Commas that are not in quotes. */
const MEMBER = /(?:"(?:[^"\\]|\\.)*"|[^,])+/g;

/** A member that cannot be read is passed over; {@link isWellFormed} tells whether there is one. */
export function parseCacheControl(value: string): Directives {
  const directives = new Map<string, string>();
  for (const member of value.match(MEMBER) ?? []) {
    const groups = DIRECTIVE.exec(member)?.groups;
    const name = groups?.['name']?.toLowerCase();
    if (name !== undefined && !directives.has(name))
      directives.set(name, groups!['quoted'] ?? groups!['token'] ?? '');
  }
  return directives;
}

/** Whether all of it can be read. */
export function isWellFormed(value: string): boolean {
  return (value.match(MEMBER) ?? []).every((member) => member.trim() === '' || DIRECTIVE.test(member));
}

/** Seconds of a directive; undefined if it is not there, 0 for what is no number (section 4.2.1: consider it stale). */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name);
  if (value === undefined) return undefined;
  return /^\d{1,10}$/.test(value) ? Number(value) : 0;
}
