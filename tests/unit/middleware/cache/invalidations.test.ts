import { expect, test } from 'vitest';
import { Invalidations, isSameTarget } from '../../../../src/middleware/cache/invalidations.js';

const LONG = `/${'a'.repeat(100)}`;

test('what was made before is invalid, and what is made afterwards is not', () => {
  const invalidations = new Invalidations(10);
  const beforeMs = Date.now() - 1;
  for (const target of ['/a?b', LONG]) {
    expect(invalidations.has(target, beforeMs)).toBe(false);
    invalidations.add(target);
    expect(invalidations.has(target, beforeMs)).toBe(true);
    expect(invalidations.has(target, Date.now())).toBe(false);
    expect(invalidations.has(`${target}c`, beforeMs)).toBe(false);
  }
});

test('a target may be written with its host', () => {
  const invalidations = new Invalidations(10);
  invalidations.add('http://a.example/b?c');
  expect(invalidations.has('/b?c', 0)).toBe(true);
  expect(isSameTarget('HTTP://a.example:80?c', '/?c')).toBe(true);
  expect(isSameTarget('http://a.example', '/')).toBe(true);
  expect(isSameTarget('/http://a.example/b', '/b')).toBe(false);
});

test('what is forgotten makes nothing valid again', () => {
  const invalidations = new Invalidations(2);
  for (const target of ['/1', '/2', '/3']) invalidations.add(target);
  expect(invalidations.has('/1', 0)).toBe(true);
  expect(invalidations.has('/other', 0)).toBe(true);
  expect(invalidations.has('/1', Date.now())).toBe(false);
});
