import { expect, test } from 'vitest';
import { LaunchedBody } from '../../../src/programs/launched-body.js';
import { CREDIT_BYTES } from '../../../src/programs/runner.js';
import { FrameEncoder } from '../../../src/wire/encoder.js';
import { FrameType } from '../../../src/wire/frames.js';

const PIECE = Buffer.alloc(65_536);

function make(sentBytes = 0) {
  const frames = new FrameEncoder();
  const body = new LaunchedBody({ stream: 7, frames, flushSoon: () => {}, sentBytes });
  return { body, sent: () => readFrames(frames) };
}

/** Lengths of the BODY frames since the last call; `end` for BODY_END. */
function readFrames(encoder: FrameEncoder): (number | 'end')[] {
  const found: (number | 'end')[] = [];
  encoder.flush((written) => {
    for (let at = 0; at < written.length; at += 12 + written.readUInt32LE(at)) {
      expect(written.readUInt32LE(at + 4)).toBe(7);
      found.push(written[at + 8] === FrameType.BODY ? written.readUInt32LE(at) : 'end');
    }
    return true;
  });
  return found;
}

test('more is wanted as long as there is credit for a piece', () => {
  const { body, sent } = make(PIECE.length);
  expect(body.feed(PIECE)).toBe(true);
  expect(body.feed(PIECE)).toBe(false);
  expect(sent()).toEqual([131_072]);
  expect(body.grant(65_535)).toBe(false);
  expect(body.grant(1)).toBe(true);
  expect(body.grant(1)).toBe(false);
});

test('what comes in spite of that waits for credit, in order, and so does the end', () => {
  const { body, sent } = make(CREDIT_BYTES);
  body.feed(PIECE.subarray(0, 3));
  body.feed(PIECE.subarray(0, 1));
  body.end();
  expect(sent()).toEqual([]);
  body.grant(2);
  expect(sent()).toEqual([]);
  body.grant(1);
  expect(sent()).toEqual([3]);
  expect(body.grant(CREDIT_BYTES)).toBe(false);
  expect(sent()).toEqual([1, 'end']);
});

test('what waits is a copy', () => {
  const frames = new FrameEncoder();
  const body = new LaunchedBody({ stream: 7, frames, flushSoon: () => {}, sentBytes: CREDIT_BYTES });
  const lent = Buffer.from('abc');
  body.feed(lent);
  lent.fill('x');
  body.grant(3);
  frames.flush((bytes) => {
    expect(bytes.subarray(12).toString()).toBe('abc');
    return true;
  });
});

test('closed, it takes everything and sends nothing, neither an end', () => {
  const { body, sent } = make(CREDIT_BYTES);
  body.feed(PIECE);
  body.close();
  expect(body.feed(PIECE)).toBe(true);
  body.grant(CREDIT_BYTES);
  body.end();
  expect(sent()).toEqual([]);
});
