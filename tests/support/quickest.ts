/** Bounds on time, on a machine that others use as well. */

/**
 * The milliseconds that the quickest of `count` runs takes: any of them may have been held up by something else, but what is slow
 * itself is slow each time.
 */
export async function quickest(count: number, run: () => unknown): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const beganAtMs = performance.now();
    await run();
    leastMs = Math.min(leastMs, performance.now() - beganAtMs);
  }
  return leastMs;
}
