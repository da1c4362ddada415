import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { acceptAnswer } from '../../../src/service/accept-answer.js';
import { answer, streamed, TestSource } from '../../support/http-server.js';

test('an answer is given back', () => {
  const good = answer();
  expect(acceptAnswer(good)).toBe(good);
});

test('what is none is an error that says whose it was, and its stream is let go of', () => {
  const source = new TestSource();
  const { head, body } = streamed(source);
  expect(() => acceptAnswer({ head: { ...head, status: 200 }, body }, './own.ts')).toThrow(
    expect.objectContaining({
      code: 'XGI_HTTP_BAD_RESPONSE',
      message: expect.stringContaining('./own.ts has answered without a head') as string,
    }),
  );
  expect(source.cancelled).toBe(1);
});

test('its file is closed', async () => {
  const handle = await open(import.meta.filename ?? new URL(import.meta.url).pathname);
  const file = { handle, pieces: [{ offset: 0, length: 1 }] };
  expect(() => acceptAnswer({ head: {}, body: { kind: 'file', file } })).toThrow('without a head');
  await expect.poll(() => handle.fd).toBe(-1);
});

test.each([undefined, null, 3, {}, { head: {}, body: 3 }, { head: {}, body: { kind: 'stream' } }])(
  '%j has nothing to let go of',
  (none) => {
    expect(() => acceptAnswer(none)).toThrow('the handler has answered without a head');
  },
);
