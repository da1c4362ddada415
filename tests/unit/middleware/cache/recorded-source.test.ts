/** A body that is kept while it is sent: whose pace is whose, and whose memory. */
import { describe, expect, test } from 'vitest';
import { RecordedSource } from '../../../../src/middleware/cache/recorded-source.js';
import { TestSource } from '../../../support/http-server.js';
import { pollUntil } from '../../../support/poll.js';

/** A client that takes nothing by itself. */
function record(maxBytes = 100) {
  const source = new TestSource();
  const kept: (string | undefined)[] = [];
  const recorded = new RecordedSource({
    source,
    length: -1,
    maxBytes,
    maxDetachedMs: 20,
    isAwaited: () => true,
    done: (bytes) => kept.push(bytes?.toString()),
  });
  const sent: Buffer[] = [];
  const ends: string[] = [];
  recorded.start({ data: (chunk) => sent.push(chunk), end: () => ends.push('end'), error: () => {} });
  /** As a program does that uses its memory again. */
  const memory = Buffer.alloc(8);
  const give = (text: string): void => {
    memory.write(text, 'latin1');
    source.sink!.data(memory.subarray(0, text.length));
  };
  return { source, recorded, kept, sent, ends, give, text: () => Buffer.concat(sent).toString() };
}

describe('a client that takes its time', () => {
  test('holds the source back, for as long as nobody waits', () => {
    const { source, recorded, give } = record();
    give('one ');
    give('two ');
    expect(source.taken_).toEqual([]);
    recorded.taken(4);
    expect(source.taken_).toEqual([4]);
  });

  test('does not hold it back any more when somebody waits; it still gets what it was given', () => {
    const { source, recorded, kept, ends, give, text } = record();
    give('one ');
    give('three ');
    recorded.hurry();
    expect(source.taken_).toEqual([4, 6]);
    give('four');
    expect(source.taken_).toEqual([4, 6, 4]);
    source.sink!.end();
    expect(kept).toEqual(['one three four']);
    expect(text()).toBe('one three four');
    expect(ends).toEqual(['end']);
    // The source is told of each chunk once.
    for (const bytes of [4, 6, 4]) recorded.taken(bytes);
    expect(source.taken_).toEqual([4, 6, 4]);
  });

  test('holds it back again when it is too long to be kept', () => {
    const { source, recorded, kept, give } = record(8);
    recorded.hurry();
    give('1234');
    give('5678');
    expect(source.taken_).toEqual([4, 4]);
    give('90');
    give('ab');
    expect(kept).toEqual([undefined]);
    expect(source.taken_).toEqual([4, 4]);
    for (const bytes of [4, 4]) recorded.taken(bytes);
    expect(source.taken_).toEqual([4, 4]);
    recorded.taken(2);
    expect(source.taken_).toEqual([4, 4, 2]);
  });
});

test('nobody takes it: a source that has no end is ended all the same', async () => {
  const { source, recorded, kept, give } = record();
  recorded.detach();
  give('one ');
  await pollUntil(() => source.cancelled === 1);
  expect(kept).toEqual([undefined]);
});

test('one that cannot be started is told to who waits for it', () => {
  const source = new TestSource(() => {
    throw new Error('no start');
  });
  const kept: unknown[] = [];
  const recorded = new RecordedSource({
    source,
    length: -1,
    maxBytes: 100,
    maxDetachedMs: 60_000,
    isAwaited: () => true,
    done: (bytes) => kept.push(bytes),
  });
  recorded.detach();
  expect(kept).toEqual([undefined]);
});
