import { describe, expect, test, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../../../../src/config/defaults.js';
import { DATA, HEAD, NEED_DATA, RequestParser } from '../../../../src/server/http1/request-parser.js';
import { cut, readBytewise, readPieces, readWhole, type Reading } from '../../../support/http-events.js';
import { chunked, get, INVALID, post, VALID, type ExpectedRequest } from './requests.js';

describe('valid requests', () => {
  test.each(VALID.map((golden) => [golden.name, golden] as const))('%s', (_name, golden) => {
    const whole = readWhole(golden.input, golden.limits);
    expect(whole).toMatchObject({ unread: 0 });
    expect(whole.status, whole.message).toBeUndefined();
    expect(whole.requests.map((request, i) => observed(request, golden.requests[i]))).toEqual(
      golden.requests,
    );
    expect(whole.requests.every((request) => request.complete)).toBe(true);
    expectSameInEveryPiecing(golden.input, whole, golden.limits);
  });
});

describe('invalid requests', () => {
  test.each(INVALID.map((golden) => [golden.name, golden] as const))('%s', (_name, golden) => {
    const whole = readWhole(golden.input, golden.limits);
    expect(whole).toMatchObject({ status: golden.status, code: golden.code, unread: 0 });
    expect(
      whole.requests.filter((request) => request.complete || request.head.contentLength === -1),
    ).toHaveLength(golden.before ?? 0);
    expectSameInEveryPiecing(golden.input, whole, golden.limits);
  });

  test('nothing is read after an error', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    parser.push(Buffer.from('G@T / HTTP/1.1\r\n'));
    expect(() => parser.next()).toThrow('method');
    parser.push(Buffer.from(get()));
    expect(parser.next()).toBe(NEED_DATA);
  });
});

function observed(
  request: Reading['requests'][number],
  expected: ExpectedRequest | undefined,
): ExpectedRequest {
  const all: Record<string, unknown> = { ...request.head, body: request.body };
  return Object.fromEntries(Object.keys(expected ?? {}).map((key) => [key, all[key]]));
}

/** Byte by byte, and in two pieces, cut at each offset. Long inputs are cut where they are not monotonous. */
function expectSameInEveryPiecing(input: string, whole: Reading, limits = {}): void {
  // An error in the middle of a body may be found after more or less of that body has been handed on.
  const same = (reading: Reading): unknown =>
    reading.status === undefined
      ? reading
      : { ...reading, requests: reading.requests.map((request) => ({ ...request, body: undefined })) };
  expect(same(readBytewise(input, limits))).toEqual(same(whole));
  const step = input.length > 1500 ? 97 : 1;
  for (let at = 1; at < input.length; at += step) {
    const split = readPieces(cut(input, [at]), limits);
    // toEqual for each offset would take most of the time of this file.
    if (JSON.stringify(same(split)) !== JSON.stringify(same(whole)))
      expect(same(split), `cut at ${at}`).toEqual(same(whole));
  }
}

describe('lent memory', () => {
  test('a body is handed on in place', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    const input = Buffer.from(post('Content-Length: 3\r\n', 'abc'));
    parser.push(input);
    expect(parser.next()).toBe(HEAD);
    expect(parser.next()).toBe(DATA);
    expect(parser.data.buffer).toBe(input.buffer);
  });

  test('push takes only so many bytes of a larger buffer', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    const head = Buffer.from(get());
    const receive = Buffer.concat([head, Buffer.from('GARBAGE')]);
    parser.push(receive, head.length);
    expect(parser.next()).toBe(HEAD);
    expect(parser.next()).toBe(NEED_DATA);
    expect(parser.idle).toBe(true);
  });

  test('after keep, nothing of the lent chunk is read again', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    const input = Buffer.from(get('X: y\r\n'));
    parser.push(input.subarray(0, 20));
    expect(parser.next()).toBe(NEED_DATA);
    parser.keep();
    expect(parser.unread).toBe(20);
    const rest = Buffer.from(input.subarray(20));
    input.fill(0);
    parser.push(rest);
    expect(parser.next()).toBe(HEAD);
    expect(parser.head!.fields).toEqual(['Host', 'a', 'X', 'y']);
  });

  test('without keep, a second push copies what is unread', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    parser.push(Buffer.from(get('X: y\r\n').slice(0, 20)));
    expect(parser.next()).toBe(NEED_DATA);
    parser.push(Buffer.from(get('X: y\r\n').slice(20)));
    expect(parser.next()).toBe(HEAD);
  });

  test('unread requests survive keep, too', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    const input = Buffer.from(get('', '/1') + get('', '/2'));
    parser.push(input);
    expect(parser.next()).toBe(HEAD);
    parser.keep();
    input.fill(0);
    expect(parser.next()).toBe(HEAD);
    expect(parser.head!.path).toBe('/2');
  });

  test('takeUnread gives a copy, and leaves nothing', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    const input = Buffer.from(`${get()}first bytes`);
    parser.push(input);
    expect(parser.next()).toBe(HEAD);
    const rest = parser.takeUnread();
    input.fill(0);
    expect(rest.toString()).toBe('first bytes');
    expect(parser.unread).toBe(0);
    expect(parser.idle).toBe(true);
    expect(parser.takeUnread()).toHaveLength(0);
  });

  test('idle is between two requests only', () => {
    const parser = new RequestParser(DEFAULT_LIMITS);
    expect(parser.idle).toBe(true);
    parser.push(Buffer.from(post('Content-Length: 2\r\n', 'a')));
    expect(parser.idle).toBe(false);
    parser.next();
    parser.next();
    expect([parser.next(), parser.idle]).toEqual([NEED_DATA, false]);
    parser.push(Buffer.from('b'));
    while (parser.next() !== NEED_DATA);
    expect(parser.idle).toBe(true);
  });
});

/** Hostile input must take time in proportion to its length: for 16 times the bytes about 16 times the time, not 256. */
describe('linear time', () => {
  test('memory for a trickled head is doubled, not fitted byte by byte', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    readBytewise(get(`X: ${'x'.repeat(8000)}\r\n`));
    expect(allocate.mock.calls.length).toBeLessThan(12);
    allocate.mockRestore();
  });

  const limits = { maxRequestLineBytes: 1e7, maxFieldBytes: 1e7, maxHeadBytes: 2e7, maxFields: 1e6 };

  test.each<[string, (size: number) => unknown]>([
    ['a head that comes byte by byte', (size) => readBytewise(get(`X: ${'x'.repeat(size)}\r\n`), limits)],
    ['short fields byte by byte', (size) => readBytewise(get('A: 1\r\n'.repeat(size / 6)), limits)],
    ['chunks of one byte, byte by byte', (size) => readBytewise(chunked('1\r\nx\r\n'.repeat(size / 6)))],
    ['a value of spaces', (size) => readWhole(get(`X: ${' '.repeat(size * 8)}y\r\n`), limits)],
    ['a Connection of spaces', (size) => readWhole(get(`Connection: a${' '.repeat(size * 8)}b\r\n`), limits)],
    ['a Connection of commas', (size) => readWhole(get(`Connection: ${','.repeat(size * 2)}b\r\n`), limits)],
    [
      'a Transfer-Encoding of spaces',
      (size) => readWhole(post(`Transfer-Encoding: chunked${' '.repeat(size * 8)}x\r\n`), limits),
    ],
    ['an Expect of spaces', (size) => readWhole(post(`Expect: a${' '.repeat(size * 8)}b\r\n`), limits)],
    ['a long Host', (size) => readWhole(`GET / HTTP/1.1\r\nHost: ${'a'.repeat(size * 8)}@\r\n\r\n`, limits)],
    ['a target of percent signs', (size) => readWhole(get('', `/${'%41'.repeat(size * 2)}%`), limits)],
    ['many lines of Connection', (size) => readWhole(get('Connection: a\r\n'.repeat(size / 10)), limits)],
  ])('%s', (_name, read) => {
    read(6000);
    const small = shortestMs(() => read(6000));
    const large = shortestMs(() => read(96_000));
    expect(large).toBeLessThan(Math.max(small, 0.2) * 80);
  });
});

function shortestMs(work: () => unknown): number {
  let shortest = Infinity;
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    work();
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}
