import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { ip } from '../../../src/middleware/ip.js';
import type { Endpoint } from '../../../src/types.js';
import { RawClient } from '../../support/http-client.js';
import { startMiddleware, tell } from '../../support/middleware-site.js';
import { makeTempDir } from '../../support/temp-dir.js';

describe('by the address that a trusted proxy tells', () => {
  test.each([
    [{ allow: ['192.0.2.0/24'] }, '192.0.2.9', 200],
    [{ allow: ['192.0.2.0/24'] }, '198.51.100.1', 403],
    [{ allow: ['192.0.2.0/24'], deny: ['192.0.2.9'] }, '192.0.2.9', 403],
    [{ deny: ['192.0.2.9'] }, '192.0.2.10', 200],
    [{ deny: ['2001:db8::/32'] }, '2001:db8::7', 403],
    [{ allow: ['2001:db8::/32'] }, '2001:DB8:0:0::7', 200],
    [{ deny: ['192.0.2.9'] }, '::ffff:192.0.2.9', 403],
  ] as const)('%j: %s gets %d', async (options, address, status) => {
    const { url } = await startMiddleware([ip(options as never)], tell, { trusted: '127.0.0.1' });
    const response = await fetch(url, { headers: { 'X-Forwarded-For': address } });
    expect(response.status).toBe(status);
    if (status === 403) expect(await response.text()).not.toContain('192.0.2.0/24');
  });
});

test('not by what anybody else says', async () => {
  const { url, seen } = await startMiddleware([ip({ allow: ['192.0.2.9'] })]);
  expect((await fetch(url, { headers: { 'X-Forwarded-For': '192.0.2.9' } })).status).toBe(403);
  expect(seen).toHaveLength(1);
});

test.each([
  [{ deny: ['0.0.0.0/0', '::/0'] }, 200],
  [{ allow: ['127.0.0.1'] }, 403],
] as const)('a client of a Unix-domain socket, with %j, gets %d', async (options, status) => {
  const endpoint: Endpoint = { kind: 'unix', path: `${makeTempDir()}/s` };
  await startMiddleware([ip(options as never)], tell, { endpoint });
  const client = await RawClient.connect(endpoint.path);
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await client.until(() => client.ended, 'the answer');
  expect(client.received).toContain(`HTTP/1.1 ${status}`);
});

test.each([
  [{}, 'ip: expected allow or deny, received neither'],
  [{ allow: [] }, /^ip\.allow: expected addresses/],
  [{ deny: ['*'] }, /^ip\.deny.*0.*: expected addresses/],
  [{ deny: ['10.0.0.0/33'] }, /^ip\.deny.*0.*: expected addresses/],
  [{ deny: ['10.0.0.1,10.0.0.2'] }, /^ip\.deny.*0.*: expected addresses/],
])('%j is refused', (options, message) => {
  expect(() => ip(options as never)).toThrow(ConfigError);
  expect(() => ip(options as never)).toThrow(message);
});
