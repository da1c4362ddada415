/**
 * When what is stored of a target was made invalid: by whatever host, scheme or fields it was asked for. A key says as well how it was asked for, and
 * who changes something has asked in another way, perhaps.
 */
import type { GatewayRequest } from '../../types.js';
import { keptKey, shortKey } from '../kept-key.js';

export class Invalidations {
  readonly #most: number;
  /** `Date.now()`; the oldest comes first. */
  readonly #atMs = new Map<string, number>();
  /** Of those that have been forgotten, the latest. */
  #forgottenMs = -Infinity;

  /** @param most targets that are remembered; beyond it, all that is older than the forgotten ones counts as invalid */
  constructor(most: number) {
    this.#most = most;
  }

  /** @param target as received */
  add(target: string): void {
    const key = keptKey(originForm(target));
    this.#atMs.delete(key);
    this.#atMs.set(key, Date.now());
    if (this.#atMs.size <= this.#most) return;
    const [oldest] = this.#atMs;
    this.#atMs.delete(oldest![0]);
    this.#forgottenMs = oldest![1];
  }

  /** Whether what was made then is invalid now. */
  has(target: string, bornAtMs: number): boolean {
    if (this.#atMs.size === 0) return false;
    if (bornAtMs < this.#forgottenMs) return true;
    return bornAtMs < (this.#atMs.get(shortKey(originForm(target))) ?? -Infinity);
  }
}

/** Whether two targets are about the same. */
export function isSameTarget(a: string, b: string): boolean {
  return originForm(a) === originForm(b);
}

/** What a Location or Content-Location names, if it is of the same origin: a target. */
export function ownTarget(
  { scheme, authority, target }: GatewayRequest,
  reference: string | undefined,
): string | undefined {
  if (reference === undefined) return undefined;
  const base = `${scheme}://${authority}`;
  if (!URL.canParse(base) || !URL.canParse(reference, base + target)) return undefined;
  const url = new URL(reference, base + target);
  return url.origin === new URL(base).origin ? url.pathname + url.search : undefined;
}

/** Of an absolute one, what is behind the host (RFC 9112 section 3.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*([^]*)$/i.exec(target)?.[1] ?? target;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
