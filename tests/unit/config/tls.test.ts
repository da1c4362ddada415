import { describe, expect, test } from 'vitest';
import { type UserConfig, userConfigSchema } from '../../../src/config/schema.js';
import { resolveTls, type TlsConfig } from '../../../src/config/tls.js';
import type { Endpoint } from '../../../src/types.js';

const TCP: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 8443 };
const UNIX: Endpoint = { kind: 'unix', path: '/run/s' };

function resolve(user: Partial<UserConfig>, endpoints: readonly Endpoint[] = [TCP]): TlsConfig | null {
  const parsed = userConfigSchema.parse({ target: 'app:app', ...user });
  return resolveTls(parsed, endpoints, { directory: '/srv', nameOf: (key) => `--${key}` });
}

test('without a certificate there is none', () => {
  expect(resolve({})).toBeNull();
});

test('paths are absolute; pairs go by their order', () => {
  expect(resolve({ certfile: ['a.crt', '/b.crt'], keyfile: ['a.key', '/b.key'], hsts: '60' })).toEqual({
    certificates: [
      { certFile: '/srv/a.crt', keyFile: '/srv/a.key' },
      { certFile: '/b.crt', keyFile: '/b.key' },
    ],
    local: false,
    caFile: null,
    clientCertificates: 'none',
    hstsSeconds: 60,
  });
});

test('a key in the file of its certificate', () => {
  expect(resolve({ certfile: ['a.pem'] })!.certificates).toEqual([
    { certFile: '/srv/a.pem', keyFile: '/srv/a.pem' },
  ]);
});

test('a certificate of our own, and certificates of clients', () => {
  const user = { tlsLocal: true, clientCerts: 'request' as const, caCerts: 'ca.pem' };
  expect(resolve(user)).toMatchObject({
    local: true,
    certificates: [],
    caFile: '/srv/ca.pem',
    clientCertificates: 'request',
  });
});

test('beside a Unix-domain socket', () => {
  expect(resolve({ certfile: ['a.pem'] }, [UNIX, TCP])).not.toBeNull();
});

describe('what does not go together', () => {
  test.each<[string, Partial<UserConfig>, RegExp]>([
    ['a key alone', { keyfile: ['a.key'] }, /--keyfile is for TLS: it needs --certfile FILE, or --tlsLocal/],
    ['a redirect alone', { tlsRedirect: ':80' }, /--tlsRedirect is for TLS/],
    ['HSTS alone', { hsts: '60' }, /--hsts is for TLS/],
    [
      'too few keys',
      { certfile: ['a', 'b'], keyfile: ['a'] },
      /--keyfile: expected one for each certificate, in the same order, received 1 for 2/,
    ],
    [
      'no authorities',
      { certfile: ['a'], clientCerts: 'require' },
      /--clientCerts require needs --caCerts FILE/,
    ],
    [
      'authorities for nobody',
      { certfile: ['a'], caCerts: 'ca' },
      /--caCerts changes nothing without --clientCerts/,
    ],
    ['both kinds of certificate', { certfile: ['a'], tlsLocal: true }, /exclude each other/],
    ['HSTS for localhost', { tlsLocal: true, hsts: '60' }, /--hsts is not for localhost/],
  ])('%s', (_, user, message) => {
    expect(() => resolve(user)).toThrow(message);
  });

  test('no TCP', () => {
    expect(() => resolve({ certfile: ['a'] }, [UNIX])).toThrow(/there is no TLS on a Unix-domain socket/);
  });
});
