import { describe, expect, test } from 'vitest';
import { streamBody, type BodyStream, type BodyTaker } from '../../../../src/handlers/cgi/body-stream.js';
import type { BodyConsumer, RequestBody } from '../../../../src/types.js';

const MAX = 10;

/** A client's side of a body. */
class FakeBody implements RequestBody {
  readonly length: number;
  consumer: BodyConsumer | undefined;
  isPaused = false;

  constructor(length = -1) {
    this.length = length;
  }
  consume(consumer: BodyConsumer): void {
    this.consumer = consumer;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  send(text: string): void {
    const lent = Buffer.from(text);
    this.consumer!.data(lent);
    lent.fill('!');
  }
}

class Taker implements BodyTaker {
  text = '';
  wants = true;
  ends = 0;
  failure: Error | undefined;

  bodyChunk(chunk: Buffer): boolean {
    this.text += chunk.toString();
    return this.wants;
  }
  bodyEnded(): void {
    this.ends++;
  }
  bodyFailed(error: Error): void {
    this.failure = error;
  }
}

function collect(length = -1) {
  const body = new FakeBody(length);
  const calls: Parameters<Parameters<typeof streamBody>[2]>[] = [];
  streamBody(body, MAX, (...call) => calls.push(call));
  return { body, calls };
}

function begun() {
  const { body, calls } = collect();
  body.send('0123456789');
  body.send('a');
  const stream = calls[0]![1] as BodyStream;
  return { body, calls, stream, taker: new Taker() };
}

test('what fits is given whole', () => {
  const { body, calls } = collect();
  body.send('01234');
  body.send('56789');
  expect(calls).toEqual([]);
  body.consumer!.end();
  expect(calls).toEqual([[null, { bytes: Buffer.from('0123456789') }]]);
});

test('what breaks off before is told', () => {
  const { body, calls } = collect(20);
  body.send('0');
  const error = new Error('gone');
  body.consumer!.error(error);
  expect(calls).toEqual([[error, null]]);
});

test('one byte more, and it begins; the client is held back until somebody takes it', () => {
  const { body, calls, stream, taker } = begun();
  expect(calls.length).toBe(1);
  expect(stream.beginning.toString()).toBe('0123456789a');
  expect([stream.isOver, stream.isAwaited, body.isPaused]).toEqual([false, false, true]);
  body.send('b');
  stream.flowTo(taker);
  expect([stream.isAwaited, body.isPaused, taker.text]).toEqual([true, false, 'b']);
  body.send('c');
  body.consumer!.end();
  expect([taker.text, taker.ends, stream.isOver, calls.length]).toEqual(['bc', 1, true, 1]);
});

test('the taker holds the client back', () => {
  const { body, stream, taker } = begun();
  stream.flowTo(taker);
  taker.wants = false;
  body.send('b');
  expect([stream.isAwaited, body.isPaused]).toEqual([false, true]);
  stream.resume();
  expect([stream.isAwaited, body.isPaused]).toEqual([true, false]);
});

describe('before anybody takes it', () => {
  test('it may end', () => {
    const { body, stream, taker } = begun();
    body.send('b');
    body.consumer!.end();
    expect(stream.isOver).toBe(false);
    stream.flowTo(taker);
    expect([taker.text, taker.ends, stream.isOver]).toEqual(['b', 1, true]);
  });

  test('it may break off', () => {
    const { body, stream, taker } = begun();
    body.consumer!.error(new Error('gone'));
    stream.flowTo(taker);
    expect([taker.failure?.message, taker.ends]).toEqual(['gone', 0]);
  });

  test('it may be dropped', () => {
    const { body, stream, taker } = begun();
    stream.drop();
    expect(body.isPaused).toBe(false);
    body.send('b');
    stream.flowTo(taker);
    body.consumer!.end();
    expect([taker.text, taker.ends, stream.isOver]).toEqual(['', 0, true]);
  });
});

test('dropped, it is read on, and nothing is told any more', () => {
  const { body, stream, taker } = begun();
  stream.flowTo(taker);
  taker.wants = false;
  body.send('b');
  stream.drop();
  body.send('c');
  stream.resume();
  body.consumer!.error(new Error('gone'));
  expect([taker.text, taker.failure, body.isPaused]).toEqual(['b', undefined, false]);
});
