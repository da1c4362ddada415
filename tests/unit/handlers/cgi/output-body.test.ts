import { describe, expect, test } from 'vitest';
import { OutputBody, type OutputBodyOptions } from '../../../../src/handlers/cgi/output-body.js';
import type { BodySink } from '../../../../src/types.js';

class Sink implements BodySink {
  text = '';
  end_ = 0;
  failure: Error | undefined;

  data(chunk: Buffer): void {
    this.text += chunk.toString('latin1');
  }
  end(): void {
    this.end_++;
  }
  error(error: Error): void {
    this.failure = error;
  }
}

function make(options: Partial<OutputBodyOptions> = {}) {
  const seen = { taken: 0, cancelled: 0 };
  const body = new OutputBody({
    length: -1,
    chunked: false,
    mayComplete: () => true,
    taken: (bytes) => (seen.taken += bytes),
    cancelled: () => seen.cancelled++,
    ...options,
  });
  return { body, seen, sink: new Sink() };
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('a body that only its end completes', () => {
  test('is handed on as it comes, what came early first', () => {
    const { body, seen, sink } = make();
    body.push(bytes('early '));
    expect(body.takeWhole()).toBeUndefined();
    body.start(sink);
    body.push(bytes('late'));
    expect(sink.text).toBe('early late');
    expect(body.untaken).toBe(10);
    body.taken(6);
    expect(body.untaken).toBe(4);
    expect(seen.taken).toBe(6);
    expect(body.mayEnd).toBe(true);
    expect(body.isFull).toBe(false);
    body.end();
    body.end();
    expect(sink.end_).toBe(1);
  });

  test('of more than 64 KiB, all there before anyone takes it up, still has its end', () => {
    const { body, sink } = make();
    body.push(Buffer.alloc(65_537, 'x'));
    body.end();
    expect(body.takeWhole()).toBeUndefined();
    body.start(sink);
    expect(sink.text.length).toBe(65_537);
    expect(sink.end_).toBe(1);
  });

  test('is taken whole, once it is complete', () => {
    const { body } = make();
    body.push(bytes('a'));
    body.push(bytes('b'));
    expect(body.takeWhole()).toBeUndefined();
    body.end();
    expect(body.takeWhole()?.toString()).toBe('ab');
  });

  test('that failed early tells when it is taken up', () => {
    const { body, sink } = make();
    const error = new Error('killed');
    body.fail(error);
    body.end();
    expect(body.takeWhole()).toBeUndefined();
    body.start(sink);
    expect(sink.failure).toBe(error);
    expect(sink.end_).toBe(0);
  });
});

describe('a body with a length', () => {
  test('is full with its last byte; what follows is dropped and given back', () => {
    const { body, seen, sink } = make({ length: 3 });
    body.start(sink);
    expect(body.mayEnd).toBe(false);
    body.push(bytes('abcdef'));
    expect(sink.text).toBe('abc');
    expect(body.isFull).toBe(true);
    expect(seen.taken).toBe(3);
    body.push(bytes('ghi'));
    expect(seen.taken).toBe(6);
  });

  test('must not end before', () => {
    const { body } = make({ length: 3 });
    body.push(bytes('ab'));
    expect(body.mayEnd).toBe(false);
    expect(body.isFull).toBe(false);
  });
});

describe('a body that may not be complete yet', () => {
  const make3 = () => {
    const made = make({ length: 3, mayComplete: () => false });
    made.body.start(made.sink);
    made.body.push(bytes('a'));
    made.body.push(bytes('bcd'));
    return made;
  };

  test('keeps its last piece, which is yet to be counted', () => {
    const { body, seen, sink } = make3();
    expect([sink.text, body.isFull, body.untaken, seen.taken]).toEqual(['a', true, 1, 1]);
    body.release();
    expect([sink.text, body.untaken]).toEqual(['abc', 3]);
    body.release();
    expect(sink.text).toBe('abc');
  });

  test.each(['end', 'fail'] as const)('gives it before %s', (what) => {
    const { body, sink } = make3();
    body[what](new Error('late'));
    expect([sink.text, sink.end_, sink.failure?.message]).toEqual(
      what === 'end' ? ['abc', 1, undefined] : ['abc', 0, 'late'],
    );
  });

  test('drops it when the client has gone', () => {
    const { body, sink } = make3();
    body.cancel();
    body.release();
    expect(sink.text).toBe('a');
  });
});

describe('a body in chunks', () => {
  test('is full with its last chunk, and its framing is given back', () => {
    const { body, seen, sink } = make({ chunked: true });
    body.start(sink);
    body.push(bytes('3\r\nab'));
    expect(body.mayEnd).toBe(false);
    body.push(bytes('c\r\n0\r\n\r\n'));
    expect(sink.text).toBe('abc');
    expect(body.isFull).toBe(true);
    expect(seen.taken).toBe(10);
  });
});

test('a client that has gone is told of', () => {
  const { body, seen } = make();
  body.cancel();
  expect(seen.cancelled).toBe(1);
  body.end();
  expect(body.takeWhole()?.length).toBe(0);
});
