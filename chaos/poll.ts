/** Waiting for a condition that no event announces. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  readonly limitMs?: number;
  readonly everyMs?: number;
}

/**
 * Resolves with what the probe gives once that is neither undefined nor false. What the probe throws counts as "not yet".
 *
 * @throws after the limit, with what was waited for and what the probe said last
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { limitMs = 30_000, everyMs = 20 }: PollOptions = {},
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    let last = '';
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = `: ${(error as Error).message}`;
    }
    if (performance.now() > deadline) throw new Error(`waited ${limitMs / 1000} s for ${what}${last}`);
    await sleep(everyMs);
  }
}
