import { expect, test } from 'vitest';
import { hostOf, parseHostPattern } from '../../../src/routing/host-pattern.js';

test.each([
  ['shop.example.org', { kind: 'exact', name: 'shop.example.org' }],
  ['Shop.Example.ORG', { kind: 'exact', name: 'shop.example.org' }],
  ['[::1]', { kind: 'exact', name: '[::1]' }],
  ['*.example.org', { kind: 'wildcard', suffix: '.example.org' }],
])('%s', (text, pattern) => expect(parseHostPattern(text)).toEqual(pattern));

test.each(['', '*', '*.', 'a..b', 'a.', '.a', 'a:80', 'http://a', 'a/b', '*.*.a', 'a.*'])(
  'not a host: %j',
  (text) => expect(parseHostPattern(text)).toBeUndefined(),
);

test.each([
  ['shop.example.org', 'shop.example.org'],
  ['Shop.example.org:8000', 'shop.example.org'],
  ['shop.example.org.:80', 'shop.example.org'],
  ['[::1]', '[::1]'],
  ['[::1]:8000', '[::1]'],
  ['', ''],
])('the host of %j', (authority, host) => expect(hostOf(authority)).toBe(host));
