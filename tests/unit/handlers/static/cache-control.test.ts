import { expect, test } from 'vitest';
import { compileCacheControl } from '../../../../src/handlers/static/cache-control.js';

test.each([
  ['*.css', '/a.css', true],
  ['*.css', '/deep/er/a.css', true],
  ['*.css', '/a.css.map', false],
  ['*.css', '/acss', false],
  ['/assets/', '/assets/a', true],
  ['/assets/', '/assets/deep/a', true],
  ['assets/', '/assets/a', true],
  ['/assets/', '/more/assets/a', false],
  ['/assets/**', '/assets/deep/a', true],
  ['/img/*.png', '/img/a.png', true],
  ['/img/*.png', '/img/deep/a.png', false],
  ['/**/*.png', '/img/deep/a.png', true],
  ['/**/*.png', '/a.png', true],
  ['**/*.png', '/a.png', true],
  ['/img/**/a.png', '/img/a.png', true],
  ['/img/**/a.png', '/img/b/c/a.png', true],
  ['/img/**/a.png', '/img/b/ba.png', false],
  ['app-????.js', '/app-12ab.js', true],
  ['app-????.js', '/app-12a.js', false],
  ['a+(b)[c].{d}^$|', '/a+(b)[c].{d}^$|', true],
  ['**', '/x/y', true],
  ['/', '/x/y', true],
])('%s and %s: %s', (pattern, path, fits) => {
  expect(compileCacheControl([{ pattern, value: 'no-cache' }])(path)).toBe(fits ? 'no-cache' : undefined);
});

test('the first that fits counts', () => {
  const cacheControl = compileCacheControl([
    { pattern: '*.html', value: 'no-cache' },
    { pattern: '/', value: 'max-age=60' },
  ]);
  expect(cacheControl('/a.html')).toBe('no-cache');
  expect(cacheControl('/a.css')).toBe('max-age=60');
});
