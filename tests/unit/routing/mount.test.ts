import { describe, expect, test } from 'vitest';
import { behindMount } from '../../../src/routing/mount.js';

test('at the root, all of a path is left', () => {
  for (const path of ['/', '/a', '/a%2fb', '*', '//']) expect(behindMount(path, '')).toBe(path);
});

describe('at /cgi-bin', () => {
  test.each([
    ['/cgi-bin', ''],
    ['/cgi-bin/', '/'],
    ['/cgi-bin/a', '/a'],
    ['/cgi-bin/a/b%20c/', '/a/b%20c/'],
    ['/cgi-bin//a', '//a'],
    ['/cgi-bin/cgi-bin', '/cgi-bin'],
    ['/cgi%2Dbin/a', '/a'],
    ['/cgi%2dbin', ''],
    ['/%63gi-bin/', '/'],
    ['/%63gi-bin/a%2fb', '/a%2fb'],
  ])('%s leaves %j', (path, rest) => {
    expect(behindMount(path, '/cgi-bin')).toBe(rest);
  });

  test.each([
    '/',
    '/cgi-binary',
    '/cgi-bi',
    '/CGI-BIN/a',
    '/a/cgi-bin',
    '//cgi-bin',
    '/cgi-bin%2fa',
    '/cgi-bin%00/a',
    '/cgi%252Dbin/a',
    '/./cgi-bin/a',
    '/%2e/cgi-bin/a',
    '/cgi-bin%',
    '*',
  ])('%s is not below it', (path) => {
    expect(behindMount(path, '/cgi-bin')).toBeUndefined();
  });
});

describe('at a mount of several segments', () => {
  test.each([
    ['/a/b', ''],
    ['/a/b/c', '/c'],
    ['/%61/%62/c', '/c'],
    ['/a/%62', ''],
  ])('%s leaves %j', (path, rest) => {
    expect(behindMount(path, '/a/b')).toBe(rest);
  });

  test.each(['/a', '/a/', '/a/bc', '/a//b', '/a%2fb', '/%61'])('%s is not below it', (path) => {
    expect(behindMount(path, '/a/b')).toBeUndefined();
  });
});
