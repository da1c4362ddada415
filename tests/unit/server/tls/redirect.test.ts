import { describe, expect, test } from 'vitest';
import { choosePort, redirectToTls } from '../../../../src/server/tls/redirect.js';
import type { GatewayResponse } from '../../../../src/types.js';
import { newRequest, PEER } from '../../gateway/requests.js';

/** `ADDRESS PORT, ADDRESS PORT`. */
function endpoints(text: string) {
  return text.split(', ').map((one) => {
    const [address, port] = one.split(' ');
    return { address: address!, port: Number(port) };
  });
}

describe('the port that a client is sent to', () => {
  test.each([
    ['127.0.0.1 8443', '127.0.0.1', 8443],
    ['127.0.0.1 8443', '10.0.0.1', 8443],
    // On the same address.
    ['10.0.0.1 8443, 10.0.0.2 9443', '10.0.0.2', 9443],
    ['10.0.0.1 443, 10.0.0.2 9443', '10.0.0.2', 9443],
    ['10.0.0.1 8443, 10.0.0.1 443', '10.0.0.1', 443],
    // All addresses are this one too.
    ['10.0.0.1 8443, 0.0.0.0 443', '10.0.0.1', 443],
    ['10.0.0.1 8443, :: 443', '10.0.0.1', 443],
    [':: 9443, ::1 443', '::1', 443],
    ['0.0.0.0 443, :: 9443', '::1', 9443],
    ['10.0.0.1 8443, 0.0.0.0 9443', '10.0.0.1', 8443],
    // On none of them: it was mapped.
    ['10.0.0.1 8443, 10.0.0.2 443', '172.17.0.2', 443],
    ['10.0.0.1 8443, 10.0.0.2 9443', '', 8443],
  ])('with TLS on %s, and the client on %s: %i', (text, localAddress, port) => {
    expect(choosePort(endpoints(text), localAddress)).toBe(port);
  });

  test('443, if there is TLS elsewhere only', () => {
    expect(choosePort([], '10.0.0.1')).toBe(443);
  });
});

test.each([
  ['shop.example', '10.0.0.1 443', 'https://shop.example/a?b'],
  ['shop.example:80', '10.0.0.1 443', 'https://shop.example/a?b'],
  ['[::1]:8080', ':: 8443', 'https://[::1]:8443/a?b'],
])('%s with TLS on %s: %s', async (authority, text, location) => {
  const request = newRequest({
    authority,
    path: '/a',
    query: 'b',
    peer: { ...PEER, localAddress: '10.0.0.1' },
  });
  const response = (await redirectToTls(endpoints(text))(request)) as GatewayResponse;
  expect([response.head.status, response.head.field('location')]).toEqual([308, location]);
});

test('OPTIONS * is sent to the same server, not to a host with a star in its name', async () => {
  const request = newRequest({ method: 'OPTIONS', authority: 'shop.example', path: '*', query: '' });
  const response = (await redirectToTls([])(request)) as GatewayResponse;
  expect(response.head.field('location')).toBe('https://shop.example/');
});
