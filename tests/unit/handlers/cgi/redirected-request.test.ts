import { expect, test } from 'vitest';
import { RedirectedRequest } from '../../../../src/handlers/cgi/redirected-request.js';
import { ResponseHead } from '../../../../src/http/response-head.js';
import type { GatewayRequest, InputEndListener } from '../../../../src/types.js';
import { newRequest } from '../../gateway/requests.js';

const FIELDS = [
  ...['Host', 'shop.example', 'Content-Type', 'text/plain', 'cookie', 'a=1', 'CONTENT-LENGTH', '5'],
  ...['Content-Encoding', 'gzip', 'Transfer-Encoding', 'chunked', 'Expect', '100-continue', 'Cookie', 'b=2'],
];

function redirect(changes: Partial<GatewayRequest> = {}, path = '/next', query = 'q=1'): RedirectedRequest {
  return new RedirectedRequest(newRequest({ fields: FIELDS, ...changes }), path, query);
}

test.each([
  ['GET', 'GET'],
  ['POST', 'GET'],
  ['DELETE', 'GET'],
  ['HEAD', 'HEAD'],
])('%s becomes %s', (method, next) => {
  expect(redirect({ method }).method).toBe(next);
});

test('it is for the new path and query, and tells the target of the client', () => {
  const request = redirect({ target: '/first?a', path: '/first', query: 'a' });
  expect(request).toMatchObject({ path: '/next', query: 'q=1', target: '/first?a', body: null });
});

test('what speaks of the body is gone, in any case; the rest stays, in its order', () => {
  const request = redirect();
  expect(request.fields).toEqual(['Host', 'shop.example', 'cookie', 'a=1', 'Cookie', 'b=2']);
  for (const name of ['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'expect'])
    expect(request.field(name), name).toBeUndefined();
  expect(request.field('host')).toBe('shop.example');
  expect(request.field('cookie')).toBe('a=1');
});

test('a value that reads like one of these names takes nothing with it', () => {
  const request = redirect({ fields: ['X-A', 'expect', 'X-B', 'content-type'] });
  expect(request.fields).toEqual(['X-A', 'expect', 'X-B', 'content-type']);
});

test('who and where the client is stays', () => {
  const from = newRequest({
    scheme: 'https',
    identity: { scheme: 'Basic', user: 'anne' },
    clientAddress: '203.0.113.9',
    clientPort: 5,
    id: 'the id',
    arrivedAtMs: 7,
    httpVersion: '1.0',
  });
  const { scheme, identity, clientAddress, clientPort, id, arrivedAtMs, httpVersion, authority, peer } = from;
  expect(new RedirectedRequest(from, '/', '')).toMatchObject({
    ...{ scheme, identity, clientAddress, clientPort, id, arrivedAtMs, httpVersion, authority, peer },
  });
});

test('counts how many have led here', () => {
  let request: GatewayRequest = newRequest();
  for (let i = 1; i <= 3; i++) {
    const next = new RedirectedRequest(request, `/${i}`, '');
    expect(next.redirects).toBe(i);
    expect(next.whole).toBe(request);
    request = next;
  }
});

test('the first request hears who listens, and sends what is to be sent', () => {
  const told: unknown[] = [];
  const request = redirect({
    onAbort: (listener) => void told.push(listener),
    onInputEnd: (listener) => void told.push(listener),
    inform: (head) => void told.push(head),
  });
  const onAbort = (): void => {};
  const inputEnd: InputEndListener = { inputEnded() {} };
  const head = new ResponseHead(103);
  request.onAbort(onAbort);
  request.onInputEnd(inputEnd);
  request.inform(head);
  expect(told).toEqual([onAbort, inputEnd, head]);
});
