/**
 * Trailers. A parser that adds them to the header lets a client set, after every check was made, what it was not allowed to set
 * before: Content-Length, Host, Authorization, X-Forwarded-For. RFC 9110 section 6.5.1: they are not merged. The ones that could
 * do harm are refused, the others dropped.
 */
import { describe, expect, test } from 'vitest';
import { expectRefused } from '../support/http-attack.js';
import { RawClient } from '../support/http-client.js';
import { answer, readBody, startServer } from '../support/http-server.js';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';

describe('refused', () => {
  test.each([
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Host: evil',
    'Authorization: Basic eA==',
    'Cookie: a=b',
    'X-Forwarded-For: 10.0.0.1',
    'HOST: evil',
  ])('%s', async (line) => {
    await expectRefused(
      `${HEAD}\r\n1\r\nx\r\n0\r\n${line}\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
      { handled: ['POST /'] },
    );
  });
});

test('others are dropped: neither this request nor the next has them', async () => {
  const { port } = await startServer(async (request) => {
    await readBody(request);
    return answer(`${request.fields.join(' ')}|${request.field('x-admin')}`);
  });
  const client = await RawClient.connect(port);
  client.send(`${HEAD}Trailer: X-Admin\r\n\r\n0\r\nX-Admin: yes\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect((await client.response()).body).toBe('Host a Transfer-Encoding chunked Trailer X-Admin|undefined');
  expect((await client.response()).body).toBe('Host a|undefined');
});
