/** Proactive negotiation (RFC 9110 section 12.5): what a client prefers. */

interface Weighted {
  readonly name: string;
  /** 0 to 1; 0 is "not this". */
  readonly weight: number;
}

const MEMBER = /^(?<name>[^;\s]+)\s*(?:;.*?)?$/;
const WEIGHT = /;\s*q=(?<q>[01](?:\.\d{0,3})?)\s*(?:;|$)/i;

/**
 * The content coding to answer with (section 12.5.3).
 *
 * @param value of Accept-Encoding; undefined if there is none
 * @param offered what there is beside the representation as it is, best first: among equals the first wins
 * @returns null for none: the representation as it is
 */
export function chooseCoding<Coding extends string>(
  value: string | undefined,
  offered: readonly Coding[],
): Coding | null {
  if (value === undefined || offered.length === 0) return null;
  const accepted = parseWeighted(value);
  let best: Coding | null = null;
  let bestWeight = 0;
  for (const coding of offered) {
    const weight = weightOf(accepted, coding);
    if (weight > bestWeight) [best, bestWeight] = [coding, weight];
  }
  // Unless it is said, a coding that was asked for is better than none.
  const identity = accepted.find(({ name }) => name === 'identity')?.weight ?? 0;
  return identity > bestWeight ? null : best;
}

/**
 * The media type to answer with (section 12.5.1).
 *
 * @param value of Accept; undefined if there is none
 * @param offered without parameters, best first
 * @returns undefined if the client takes none of them
 */
export function chooseMediaType<Type extends string>(
  value: string | undefined,
  offered: readonly Type[],
): Type | undefined {
  if (value === undefined) return offered[0];
  const accepted = parseWeighted(value);
  let best: Type | undefined;
  let bestWeight = 0;
  for (const type of offered) {
    const weight = weightOfType(accepted, type);
    if (weight > bestWeight) [best, bestWeight] = [type, weight];
  }
  return best;
}

/** Whether the client takes that media type and says so by its name, not only with a wildcard. */
export function namesMediaType(value: string, type: string): boolean {
  return parseWeighted(value).some(({ name, weight }) => name === type && weight > 0);
}

function weightOf(accepted: readonly Weighted[], coding: string): number {
  const own = accepted.find(({ name }) => name === coding || name === `x-${coding}`);
  return (own ?? accepted.find(({ name }) => name === '*'))?.weight ?? 0;
}

/** Of the most specific range that fits. */
function weightOfType(accepted: readonly Weighted[], type: string): number {
  const ranges = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
  for (const range of ranges) {
    const found = accepted.find(({ name }) => name === range);
    if (found !== undefined) return found.weight;
  }
  return 0;
}

function parseWeighted(value: string): Weighted[] {
  return value.split(',').flatMap((member) => {
    const name = MEMBER.exec(member.trim())?.groups?.['name'];
    return name === undefined ? [] : [{ name: name.toLowerCase(), weight: weightIn(member) }];
  });
}

function weightIn(member: string): number {
  if (!/;\s*q=/i.test(member)) return 1;
  return Math.min(1, Number(WEIGHT.exec(member)?.groups?.['q'] ?? 0));
}
