import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CacheEntry, EntryCache } from '../../../src/bodies/entry-cache.js';

function entry(weight: number): CacheEntry {
  return { weight, used: false };
}

test('what was not used leaves first', () => {
  const cache = new EntryCache(3);
  for (const key of ['a', 'b', 'c']) cache.set(key, entry(1));
  cache.get('a')!.used = true;
  cache.set('d', entry(1));
  expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key))).toEqual(['a', 'c', 'd']);
  // Spared once.
  cache.set('e', entry(1));
  cache.set('f', entry(1));
  expect(['a', 'c', 'd', 'e', 'f'].filter((key) => cache.get(key))).toHaveLength(3);
});

test('what is heavier than all is not kept, and drives nothing out', () => {
  const cache = new EntryCache(3);
  cache.set('a', entry(3));
  cache.set('b', entry(4));
  expect(cache.get('a')).toBeDefined();
  expect(cache.get('b')).toBeUndefined();
});

test('the weight is that of what is there, and never above the bound', () => {
  const step = fc.record({ key: fc.nat(9), weight: fc.nat(12), use: fc.nat(9), gone: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cache = new EntryCache(10);
      for (const { key, weight, use, gone } of steps) {
        cache.set(String(key), entry(weight));
        const used = cache.get(String(use));
        if (used) used.used = true;
        cache.delete(String(gone));
        const kept = Array.from({ length: 10 }, (_, i) => cache.get(String(i))?.weight ?? 0);
        expect(cache.weight).toBe(kept.reduce((sum, one) => sum + one, 0));
        expect(cache.weight).toBeLessThanOrEqual(10);
      }
    }),
  );
});
