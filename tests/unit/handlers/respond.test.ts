import { expect, test } from 'vitest';
import { createRespond } from '../../../src/handlers/respond.js';
import type { GatewayResponse } from '../../../src/types.js';
import { newRequest } from '../gateway/requests.js';

function respond(status: number, body: string, fields: readonly string[]): GatewayResponse {
  return createRespond({ status, body, fields })(newRequest()) as GatewayResponse;
}

test('text, unless the fields say otherwise', () => {
  expect(respond(200, 'ok', []).head.field('content-type')).toBe('text/plain; charset=utf-8');
  expect(respond(200, '{}', ['Content-type', 'application/json']).head.fields).toEqual([
    'Content-type',
    'application/json',
  ]);
});

test('a body is UTF-8', () => {
  expect(respond(200, 'ä', []).body).toEqual({ kind: 'bytes', bytes: Buffer.from('ä') });
});

test('nothing is no text', () => {
  const { head, body } = respond(204, '', []);
  expect([head.status, head.fields, body]).toEqual([204, [], { kind: 'empty' }]);
});
