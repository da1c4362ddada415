import { expect, test } from 'vitest';
import { formatPathPattern, parsePathPattern } from '../../../src/routing/path-pattern.js';

const text = (value: string) => ({ text: value });
const name = (value: string) => ({ name: value });

test.each([
  ['/', [], 'prefix'],
  ['/shop', [text('shop')], 'prefix'],
  ['/shop/', [text('shop')], 'prefix'],
  ['/a%20b/ä'.replace('ä', '%c3%a4'), [text('a b'), text('\xc3\xa4')], 'prefix'],
  ['/$', [text('')], 'exact'],
  ['/shop$', [text('shop')], 'exact'],
  ['/shop/$', [text('shop'), text('')], 'exact'],
  ['/users/:id$', [text('users'), name('id')], 'exact'],
  ['/users/:id/$', [text('users'), name('id'), text('')], 'exact'],
  ['/cash%24', [text('cash$')], 'prefix'],
  ['/c$sh', [text('c$sh')], 'prefix'],
  ['/users/:id', [text('users'), name('id')], 'exact'],
  ['/users/:id/edit', [text('users'), name('id'), text('edit')], 'exact'],
  ['/*', [], 'rest'],
  ['/files/*', [text('files')], 'rest'],
  ['/t/:name/*', [text('t'), name('name')], 'rest'],
])('%s', (path, segments, end) => {
  expect(parsePathPattern(path)).toEqual({ segments, end });
});

test.each([
  '',
  'shop',
  '/a//b',
  '/a/../b',
  '/a%2fb',
  '/a?b',
  '/a b',
  '/:',
  '/:1',
  '/*/a',
  '/a*',
  '/:a/:a',
  '/a%zz',
  '$',
  '/files/*$',
  '/a//$',
  '//$',
  '/:$',
])('not a path: %j', (path) => expect(parsePathPattern(path)).toBeUndefined());

test.each(['/', '/$', '/shop$', '/shop/$', '/users/:id/$', '/shop', '/users/:id', '/*', '/t/:name/*'])(
  'written again: %s',
  (path) => {
    expect(formatPathPattern(parsePathPattern(path)!)).toBe(path);
  },
);
