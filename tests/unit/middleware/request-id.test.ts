import { describe, expect, test } from 'vitest';
import { requestId } from '../../../src/middleware/request-id.js';
import { see, startMiddleware } from '../../support/middleware-site.js';

test('application, response and program log have the same one', async () => {
  const { url } = await startMiddleware([requestId()]);
  const first = await see(url);
  const second = await see(url);
  expect(first.seen.id).not.toBe(second.seen.id);
  expect(first.seen.fields['x-request-id']).toBe(first.seen.id);
  expect(first.response.headers.get('x-request-id')).toBe(first.seen.id);
});

test('that of a client does not count', async () => {
  const { url } = await startMiddleware([requestId({ field: 'X-Trace' })]);
  const { seen } = await see(url, { headers: { 'X-Trace': 'mine' } });
  expect(seen.fields['x-trace']).not.toBe('mine');
});

describe('with accept', () => {
  test.each([
    ['4f0a-77', true],
    ['a'.repeat(128), true],
    ['a'.repeat(129), false],
    ['two words', false],
    ['<script>', false],
  ])('%s', async (given, isTaken) => {
    const { url } = await startMiddleware([requestId({ accept: true })]);
    const { seen, response } = await see(url, { headers: { 'X-Request-Id': given } });
    expect(seen.fields['x-request-id'] === given).toBe(isTaken);
    expect(response.headers.get('x-request-id')).toBe(seen.id);
  });
});
