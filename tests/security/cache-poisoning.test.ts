/**
 * Cache poisoning: an attacker sends a request whose answer depends on something that the key of the cache does not have, and the answer, with the
 * attacker's host or script in it, is given to everybody who asks for that page (Kettle, "Practical Web Cache Poisoning", 2018; "Web Cache
 * Entanglement", 2020). The application here is one that falls for all of it: it puts whatever it reads into its page, and says that the page may
 * be kept.
 */
import { expect, test } from 'vitest';
import { collectBody } from '../../src/bodies/request-bytes.js';
import { cache } from '../../src/middleware/cache.js';
import { rewrite } from '../../src/middleware/rewrite.js';
import type { Handler } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';

/** Reflects all that it can read of a request. */
const gullible: Handler = async (request) => {
  const body = await collectBody(request.body, 1000);
  const { method, target, scheme, authority, fields } = request;
  const text = [method, target, scheme, authority, ...fields, body.toString()].join('|');
  return answer(text, 200, ['Cache-Control', 'max-age=60']);
};

const EVIL = 'evil.example';

async function serve(handler = gullible, trusted = '') {
  const { port } = await startServer(cache({})(handler), { trusted });
  return async (head: string): Promise<string> => {
    const client = await RawClient.connect(port);
    client.send(head);
    return (await client.response()).body;
  };
}

const victim = 'GET /page HTTP/1.1\r\nHost: site.example\r\n\r\n';

test.each([
  ['X-Forwarded-Host', `X-Forwarded-Host: ${EVIL}`],
  ['X-Forwarded-Proto', `X-Forwarded-Proto: http, ${EVIL}`],
  ['X-Forwarded-Prefix', `X-Forwarded-Prefix: //${EVIL}`],
  ['X-Forwarded-Port', `X-Forwarded-Port: 1;${EVIL}`],
  ['Forwarded', `Forwarded: host=${EVIL};proto=http`],
  ['X-Host', `X-Host: ${EVIL}`],
  ['X-Original-URL', `X-Original-URL: /${EVIL}`],
  ['X-Rewrite-URL', `X-Rewrite-URL: /${EVIL}`],
  ['X-Forwarded-Base', `X-Forwarded-Base: //${EVIL}`],
  ['X-Forwarded-Context', `X-Forwarded-Context: //${EVIL}`],
  ['X-Forwarded-Script-Name', `X-Forwarded-Script-Name: //${EVIL}`],
  ['X-Forwarded-Https', `X-Forwarded-Https: ${EVIL}`],
  ['X-Ingress-Path', `X-Ingress-Path: //${EVIL}`],
  ['X-Replaced-Path', `X-Replaced-Path: //${EVIL}`],
  ['X-Arr-SSL', `X-Arr-SSL: ${EVIL}`],
  ['CF-Visitor', `CF-Visitor: {"scheme":"${EVIL}"}`],
  ['CloudFront-Forwarded-Proto', `CloudFront-Forwarded-Proto: ${EVIL}`],
  ['WL-Proxy-SSL', `wl-proxy-ssl: ${EVIL}`],
  ['X-HTTP-Method-Override', `X-HTTP-Method-Override: ${EVIL}`],
  ['X-Method-Override', `x-method-OVERRIDE: ${EVIL}`],
  ['a body with GET', `X-A: 1\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`],
  ['a part', `Range: bytes=0-1\r\nX-A: ${EVIL}`],
])('%s', async (_what, field) => {
  // Also of somebody whose proxy is trusted: its client may have sent it.
  const ask = await serve(gullible, '127.0.0.1');
  const poisoned = `GET /page HTTP/1.1\r\nHost: site.example\r\n${field}\r\n\r\n`;
  expect(
    await ask(
      poisoned.replace(
        `${EVIL}\r\n\r\n`,
        field.endsWith(EVIL) && field.includes('Content-Length') ? EVIL : `${EVIL}\r\n\r\n`,
      ),
    ),
  ).toContain(EVIL);
  expect(await ask(victim)).not.toContain(EVIL);
});

test.each([
  ['another host', `GET /page HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`],
  ['another port', 'GET /page HTTP/1.1\r\nHost: site.example:1337\r\n\r\n'],
  ['a host in capitals', 'GET /page HTTP/1.1\r\nHost: SITE.example\r\n\r\n'],
  ['a target with another host', `GET http://${EVIL}/page HTTP/1.1\r\nHost: site.example\r\n\r\n`],
  ['HTTP/1.0 without a host', 'GET /page HTTP/1.0\r\n\r\n'],
  ['a query', `GET /page?${EVIL} HTTP/1.1\r\nHost: site.example\r\n\r\n`],
  ['an empty query', 'GET /page? HTTP/1.1\r\nHost: site.example\r\n\r\n'],
  ['an encoded letter', 'GET /p%61ge HTTP/1.1\r\nHost: site.example\r\n\r\n'],
  ['another method', 'POST /page HTTP/1.1\r\nHost: site.example\r\nContent-Length: 0\r\n\r\n'],
])('%s is another key', async (_what, other) => {
  const ask = await serve();
  await ask(other);
  expect(await ask(victim)).toMatch(/^GET\|\/page\|http\|site\.example\|/);
});

test('the order of parameters is part of the key', async () => {
  const ask = await serve();
  const of = (query: string): string => `GET /page?${query} HTTP/1.1\r\nHost: site.example\r\n\r\n`;
  await ask(of('a=1&b=2'));
  expect(await ask(of('b=2&a=1'))).toContain('?b=2&a=1');
  expect(await ask(of('a=1&b=2&a=3'))).toContain('a=3');
});

test('behind a rewrite, the target that the application can still read is part of the key', async () => {
  const { port } = await startServer(
    rewrite({ paths: { '/a/*': '/page', '/b/*': '/page' } })(cache({})(gullible)),
  );
  const client = await RawClient.connect(port);
  client.send(`GET /a/${EVIL} HTTP/1.1\r\nHost: site.example\r\n\r\n`);
  expect((await client.response()).body).toContain(EVIL);
  client.send('GET /b/x HTTP/1.1\r\nHost: site.example\r\n\r\n');
  expect((await client.response()).body).not.toContain(EVIL);
});
