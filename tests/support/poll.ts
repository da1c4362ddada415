/** Waiting for a condition that no event announces. Everything else in the tests awaits an event. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `probe` until it returns something other than undefined, null or false, and returns that.
 * What the probe throws counts as "not yet". Rejects when `deadlineMs` have passed, naming `what` and
 * the last thing observed.
 */
export async function pollUntil<T>(
  probe: () => T | Promise<T>,
  { what = 'the condition', deadlineMs = 20_000, everyMs = 10 } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const giveUpAt = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= giveUpAt) {
      throw new Error(`waited ${deadlineMs} ms for ${what}; last observed: ${String(last)}`);
    }
    await delay(everyMs);
  }
}

/** The same for what another process does, while this one's event loop stands still: what comes meanwhile is found after it. */
export function blockUntil(probe: () => boolean, { what = 'the condition', deadlineMs = 20_000 } = {}): void {
  const giveUpAt = performance.now() + deadlineMs;
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  while (!probe()) {
    if (performance.now() >= giveUpAt) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    Atomics.wait(nobody, 0, 0, 1);
  }
}

/** True while a process with that id exists (a zombie that nobody has waited for counts). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
