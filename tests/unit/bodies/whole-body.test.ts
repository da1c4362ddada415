/** Bodies that are held to a Content-Length: where they end, and whose memory is given back when. */
import { describe, expect, test } from 'vitest';
import { wholeBody } from '../../../src/bodies/whole-body.js';
import { TestSource } from '../../support/http-server.js';

function hold(length: number) {
  const source = new TestSource();
  const body = wholeBody({ kind: 'stream', source }, length);
  if (body.kind !== 'stream') throw new Error('no stream');
  const sent: string[] = [];
  const ends: string[] = [];
  body.source.start({
    data: (chunk) => sent.push(chunk.toString()),
    end: () => ends.push('end'),
    error: (error) => ends.push(error.message),
  });
  const give = (text: string): void => source.sink!.data(Buffer.from(text));
  return { source, held: body.source, sent, ends, give };
}

test('without a Content-Length, the body is what it is', () => {
  const body = { kind: 'stream', source: new TestSource() } as const;
  expect(wholeBody(body, -1)).toBe(body);
});

test.each([0, 2])('bytes behind the first %i are left out', (length) => {
  expect(wholeBody({ kind: 'bytes', bytes: 'abc' }, length)).toEqual({
    kind: 'bytes',
    bytes: 'abc'.slice(0, length),
  });
});

test.each([{ kind: 'empty' }, { kind: 'bytes', bytes: 'abc' }] as const)('%j is too short for 4', (body) => {
  expect(() => wholeBody(body, 4)).toThrow(expect.objectContaining({ code: 'XGI_HTTP_BODY_SHORT' }));
});

describe('a stream', () => {
  test('of that length ends when its source does', () => {
    const { source, sent, ends, give } = hold(6);
    give('one');
    give('two');
    expect(ends).toEqual([]);
    source.sink!.end();
    expect([sent, ends, source.cancelled]).toEqual([['one', 'two'], ['end'], 0]);
  });

  test('that is shorter fails', () => {
    const { source, ends, give } = hold(6);
    give('one');
    source.sink!.end();
    expect(ends).toEqual([expect.stringContaining('after 3 of 6 bytes')]);
  });

  test('that is longer is cut, its source ended, and its memory given back chunk by chunk', () => {
    const { source, held, sent, ends, give } = hold(5);
    give('one');
    give('twos');
    give('three');
    expect([sent, ends, source.cancelled]).toEqual([['one', 'tw'], ['end'], 1]);
    expect(source.taken_).toEqual([5]);
    held.taken(3);
    held.taken(2);
    expect(source.taken_).toEqual([5, 3, 4]);
    source.sink!.error(new Error('late'));
    held.cancel();
    expect([ends, source.cancelled]).toEqual([['end'], 1]);
  });

  test('whose next chunk begins behind the end is cut as well', () => {
    const { source, sent, ends, give } = hold(3);
    give('one');
    give('two');
    expect([sent, ends, source.cancelled]).toEqual([['one'], ['end'], 1]);
    expect(source.taken_).toEqual([3]);
  });

  test('has no trailers: they never come with a Content-Length', () => {
    const trailers = { names: ['X-Sum'], fields: () => ['X-Sum', '1'] };
    const body = wholeBody({ kind: 'stream', source: new TestSource(), trailers }, 3);
    expect(body).not.toHaveProperty('trailers');
  });

  test('that fails says so, and one that nobody wants is ended once', () => {
    const failing = hold(3);
    failing.source.sink!.error(new Error('broken'));
    expect(failing.ends).toEqual(['broken']);
    const unwanted = hold(3);
    unwanted.held.cancel();
    unwanted.give('four');
    expect([unwanted.sent, unwanted.ends, unwanted.source.cancelled]).toEqual([[], [], 1]);
  });
});
