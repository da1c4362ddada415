import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { requestId } from '../../../src/middleware/request-id.js';
import { ConfigError } from '../../../src/errors.js';
import { requestFinish, type RequestFinish } from '../../../src/observe/channels.js';
import { pollUntil } from '../../support/poll.js';
import { see, startMiddleware } from '../../support/middleware-site.js';

test('application and response have the same one', async () => {
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

  test('what is logged and told of an error has it', async () => {
    const { url, log } = await startMiddleware([requestId({ accept: true })], () => {
      throw new Error('on purpose');
    });
    const ids: (string | undefined)[] = [];
    const note = (message: unknown): void => void ids.push((message as RequestFinish).request?.id);
    subscribe(requestFinish.name, note);
    const response = await fetch(url, { headers: { 'X-Request-Id': '4f0a-77' } });
    expect(await response.text()).toContain('request 4f0a-77');
    expect(log).toMatchObject([{ level: 'error', fields: { requestId: '4f0a-77' } }]);
    await pollUntil(() => ids.length > 0, { what: 'the end of the request' });
    unsubscribe(requestFinish.name, note);
    expect(ids).toEqual(['4f0a-77']);
  });
});

test.each(['Connection', 'host', 'Content-Length', 'a b'])('the field %s is refused', (field) => {
  expect(() => requestId({ field })).toThrow(ConfigError);
  expect(() => requestId({ field })).toThrow('requestId.field: expected the name of a header field');
});
