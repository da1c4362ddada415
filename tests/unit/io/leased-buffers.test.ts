/** Buffers that a reader passes on: no bytes are overwritten while somebody holds them. The free ones are shared by all readers. */
import { expect, test } from 'vitest';
import { LeasedBuffers, type LeasedBuffer } from '../../../src/io/leased-buffers.js';

/** Moves on from a buffer that somebody holds; the buffer. */
function leave(reader: LeasedBuffers): LeasedBuffer {
  const left = reader.current;
  left.hold();
  expect(reader.next() === reader.current.bytes).toBe(true);
  return left;
}

test('a buffer that nobody else holds is read into again', () => {
  const reader = new LeasedBuffers();
  const first = reader.current;
  expect(reader.next()).toBeNull();
  expect(reader.current === first).toBe(true);
  first.hold();
  first.release();
  expect(reader.next()).toBeNull();
  expect(reader.current === first).toBe(true);
});

test('a held buffer is not read into again, however often the reader goes on', () => {
  const reader = new LeasedBuffers();
  const held = Array.from({ length: 100 }, (_, i) => {
    reader.current.bytes.fill(i);
    return leave(reader);
  });
  expect(new Set([...held, reader.current]).size).toBe(101);
  reader.current.bytes.fill(0xff);
  expect(held.map(({ bytes }) => [bytes[0], bytes.at(-1)])).toEqual(held.map((_, i) => [i, i]));
  for (const buffer of held) buffer.release();
});

test('with two holders it is free when both are done', () => {
  const reader = new LeasedBuffers();
  const left = leave(reader);
  left.hold();
  left.release();
  expect(leave(reader) !== left).toBe(true);
  expect(reader.current !== left).toBe(true);
  left.release();
  leave(reader);
  expect(reader.current === left).toBe(true);
});

test('released buffers are reused, by any reader, with the reader as the only holder', () => {
  const [one, other] = [new LeasedBuffers(), new LeasedBuffers()];
  const left = leave(one);
  left.release();
  leave(other);
  expect(other.current === left).toBe(true);
  expect(left.holders).toBe(1);
  expect(other.next()).toBeNull();
});

test('only so many are kept', () => {
  const reader = new LeasedBuffers();
  const held = new Set(Array.from({ length: 50 }, () => leave(reader)));
  for (const buffer of held) buffer.release();
  const reused = Array.from({ length: 50 }, () => leave(reader)).filter((buffer) => held.has(buffer));
  expect(reused).toHaveLength(32);
});

test('a release beyond the holders throws: the buffer would be lent twice', () => {
  const reader = new LeasedBuffers();
  const left = leave(reader);
  left.release();
  expect(() => left.release()).toThrow('nobody holds');
  leave(reader);
  expect(reader.current === left).toBe(true);
  leave(reader);
  expect(reader.current !== left).toBe(true);
});
