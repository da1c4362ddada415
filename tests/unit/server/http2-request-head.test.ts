/** What nghttp2 would have refused before is checked again: these lists come without it. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/config/defaults.js';
import { RemoteProtocolError } from '../../../src/errors.js';
import { readRequestHead } from '../../../src/server/http2/request-head.js';

const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/b?c'];
const POST = [':method', 'POST', ...GET.slice(2)];

function statusOf(list: readonly string[], hasBody = false): number {
  try {
    readRequestHead(list, hasBody, DEFAULT_LIMITS);
    return 200;
  } catch (error) {
    expect(error).toBeInstanceOf(RemoteProtocolError);
    return (error as RemoteProtocolError).status;
  }
}

test('a GET', () => {
  expect(readRequestHead([...GET, 'x-a', '1'], false, DEFAULT_LIMITS)).toEqual({
    method: 'GET',
    target: '/b?c',
    path: '/b',
    query: 'c',
    authority: 'a',
    httpVersion: '2.0',
    fields: ['Host', 'a', 'x-a', '1'],
    contentLength: 0,
    keepAlive: true,
    expectContinue: false,
    upgrade: false,
  });
});

test.each([
  [['content-length', '5'], true, 5],
  [['content-length', '0'], true, 0],
  [[], true, -1],
  [['content-length', '0'], false, 0],
])('the length of the body: %j, with a body: %s', (fields, hasBody, length) => {
  expect(readRequestHead([...POST, ...fields], hasBody, DEFAULT_LIMITS).contentLength).toBe(length);
});

test('crumbs are one field, where the first of them stood', () => {
  const list = [...GET, 'cookie', 'a=1', 'x-a', '1', 'cookie', 'b=2', 'cookie', 'c=3'];
  const { fields } = readRequestHead(list, false, DEFAULT_LIMITS);
  expect(fields).toEqual(['Host', 'a', 'cookie', 'a=1; b=2; c=3', 'x-a', '1']);
});

describe('refused', () => {
  test.each([
    ['a field with CR LF', [...GET, 'x-a', 'b\r\nc: d']],
    ['a field with NUL', [...GET, 'x-a', 'b\0']],
    ['a field with white space around it', [...GET, 'x-a', ' b']],
    ['a name in upper case', [...GET, 'X-A', 'b']],
    ['an empty name', [...GET, '', 'b']],
    ['a name with a colon', [...GET, 'x:a', 'b']],
    ['Transfer-Encoding', [...GET, 'transfer-encoding', 'chunked']],
    ['Connection', [...GET, 'connection', 'x']],
    ['TE', [...GET, 'te', 'trailers, gzip']],
    ['an unknown pseudo-header field', [':x', 'y', ...GET]],
    ['one that objects have', [':constructor', 'y', ...GET]],
    ['one that is there twice', [':path', '/', ...GET]],
    ['another Host', [...GET, 'host', 'b']],
    ['Host twice', [...GET, 'host', 'a', 'host', 'a']],
    ['a space in the path', [...GET.slice(0, 6), ':path', '/a b']],
    ['a URL for a path', [...GET.slice(0, 6), ':path', 'https://a/']],
    ['a length without a body', [...GET, 'content-length', '1']],
  ])('%s: 400', (_, list) => {
    expect(statusOf(list)).toBe(400);
  });

  test('CONNECT: 501', () => {
    expect(statusOf([':method', 'CONNECT', ':authority', 'a:443'])).toBe(501);
  });

  test.each([
    [100, 200],
    [101, 431],
  ])('%i crumbs: %i', (count, status) => {
    expect(statusOf([...GET, ...Array.from({ length: count }, () => ['cookie', 'a=1']).flat()])).toBe(status);
  });
});
