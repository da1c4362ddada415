import { describe, expect, test } from 'vitest';
import { addWsgiEnviron, wsgiEnviron } from '../../../src/gateway/environ.js';
import type { GatewayRequest } from '../../../src/types.js';
import { newRequest, PEER, readDelta } from './requests.js';

/** As the worker reads it. */
function environOf(changes: Partial<GatewayRequest>, contentLength = -1): Record<string, string> {
  const request = newRequest(changes);
  const read = readDelta(wsgiEnviron(request, contentLength));
  // In both forms it is the same.
  expect(addWsgiEnviron(request, contentLength, {})).toEqual(read);
  return read;
}

test('all meta-variables of a plain request', () => {
  expect(environOf({ target: '/a/b?c=d', path: '/a/b', query: 'c=d' })).toEqual({
    REQUEST_METHOD: 'GET',
    PATH_INFO: '/a/b',
    QUERY_STRING: 'c=d',
    REQUEST_URI: '/a/b?c=d',
    RAW_URI: '/a/b?c=d',
    SERVER_NAME: 'shop.example',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REMOTE_ADDR: '192.0.2.1',
    REMOTE_PORT: '4711',
    'wsgi.url_scheme': 'http',
  });
});

describe('fields', () => {
  test.each([
    ['one', ['X-Thing', 'a'], { HTTP_X_THING: 'a' }],
    ['with digits and in any case', ['x-THING-2', 'a'], { HTTP_X_THING_2: 'a' }],
    ['an empty value', ['X-Thing', ''], { HTTP_X_THING: '' }],
    [
      'a repeated one is a list',
      ['X-A', '1', 'X-B', '2', 'x-a', '3', 'X-A', '4'],
      { HTTP_X_A: '1, 3, 4', HTTP_X_B: '2' },
    ],
    [
      'a repeated Cookie has its own separator',
      ['Cookie', 'a=1', 'cookie', 'b=2', 'Cookie', 'c=3'],
      { HTTP_COOKIE: 'a=1; b=2; c=3' },
    ],
    [
      'Content-Type has no prefix',
      ['content-type', 'a/b'],
      { CONTENT_TYPE: 'a/b', HTTP_CONTENT_TYPE: undefined },
    ],
    [
      'Content-Length is what the body is',
      ['Content-Length', '99'],
      { CONTENT_LENGTH: undefined, HTTP_CONTENT_LENGTH: undefined },
    ],
    [
      'Transfer-Encoding has been undone',
      ['Transfer-Encoding', 'chunked'],
      { HTTP_TRANSFER_ENCODING: undefined },
    ],
    ['Proxy, in any case', ['PROXY', 'http://evil', 'proxy', 'x'], { HTTP_PROXY: undefined }],
    ['an underscore collides', ['X_A', 'evil', 'X-A', 'good'], { HTTP_X_A: 'good' }],
    ['a dot collides', ['X.A', 'evil'], { HTTP_X_A: undefined, 'HTTP_X.A': undefined }],
    ['other characters of a token', ['X!#$%&A', 'evil', "X'*+A", 'evil', 'X`|~^A', 'evil'], {}],
    [
      'a name like one of ours',
      ['REMOTE-ADDR', 'evil', 'wsgi.input', 'evil', 'SERVER_NAME', 'evil'],
      {
        REMOTE_ADDR: '192.0.2.1',
        HTTP_REMOTE_ADDR: 'evil',
        SERVER_NAME: 'shop.example',
        'wsgi.input': undefined,
      },
    ],
    ['latin-1 values', ['X-A', 'caf\u00e9\u0080'], { HTTP_X_A: 'caf\u00e9\u0080' }],
    [
      'names that an object has by itself',
      ['constructor', 'a', '__proto__', 'b', 'toString', 'c'],
      { HTTP_CONSTRUCTOR: 'a', HTTP_TOSTRING: 'c' },
    ],
  ])('%s', (_what, fields, expected) => {
    // Twice: the second time the names are known.
    for (let i = 0; i < 2; i++) {
      const environ = environOf({ fields });
      for (const [name, value] of Object.entries(expected)) expect(environ[name], name).toBe(value);
      const known = Object.keys(environOf({})).length;
      const made = Object.values(expected).filter((value) => value !== undefined);
      if (made.length === 0) expect(Object.keys(environ)).toHaveLength(known);
    }
  });

  test('one request says nothing of the next', () => {
    environOf({ fields: ['X-A', '1'] });
    expect(environOf({ fields: ['X-A', '2'] })).toMatchObject({ HTTP_X_A: '2' });
    expect(environOf({ fields: [] })).not.toHaveProperty('HTTP_X_A');
  });

  test('thousands of invented names do no harm', () => {
    for (let i = 0; i < 10_000; i++)
      expect(environOf({ fields: [`X-${i}`, 'a', `x-${i}`, 'b'] })[`HTTP_X_${i}`]).toBe('a, b');
  });
});

describe('PATH_INFO', () => {
  test.each([
    ['/', '/'],
    ['/a%20b', '/a b'],
    ['/caf%C3%A9', '/caf\u00c3\u00a9'],
    ['/%e9%ff%80', '/\u00e9\u00ff\u0080'],
    ['/a%2Fb%2e%2e', '/a/b..'],
    ['/%25%32%30', '/%20'],
    ['//a/./../b', '//a/./../b'],
    ['/+', '/+'],
  ])('%s is %s', (path, expected) => {
    expect(environOf({ path })['PATH_INFO']).toBe(expected);
    expect(environOf({ path })['REQUEST_URI']).toBe(path);
  });
});

describe('REQUEST_URI and RAW_URI', () => {
  test.each([
    ['origin-form', '/a?b', '/a', 'b', '/a?b'],
    ['origin-form with an empty query', '/a?', '/a', '', '/a?'],
    ['absolute-form', 'http://h.example/a?b', '/a', 'b', '/a?b'],
    ['absolute-form without a path', 'http://h.example', '/', '', '/'],
  ])('%s', (_form, target, path, query, uri) => {
    expect(environOf({ target, path, query })).toMatchObject({
      REQUEST_URI: uri,
      RAW_URI: target,
      PATH_INFO: path,
      QUERY_STRING: query,
    });
  });
});

describe('SERVER_NAME and SERVER_PORT', () => {
  test.each([
    ['a name', 'a.example', 'http', 'a.example', '80'],
    ['with https', 'a.example', 'https', 'a.example', '443'],
    ['a port', 'a.example:8080', 'https', 'a.example', '8080'],
    ['an empty port', 'a.example:', 'http', 'a.example', '80'],
    ['IPv4', '192.0.2.7:81', 'http', '192.0.2.7', '81'],
    ['IPv6', '[2001:db8::1]', 'http', '[2001:db8::1]', '80'],
    ['IPv6 with a port', '[2001:db8::1]:82', 'http', '[2001:db8::1]', '82'],
  ] as const)('from %s', (_what, authority, scheme, name, port) => {
    for (let i = 0; i < 2; i++) {
      expect(environOf({ authority, scheme })).toMatchObject({ SERVER_NAME: name, SERVER_PORT: port });
    }
  });

  test.each([
    ['the socket', PEER, 'http', '198.51.100.1', '8000'],
    ['an IPv6 socket', { ...PEER, localAddress: '2001:db8::2' }, 'http', '[2001:db8::2]', '8000'],
    [
      'a Unix-domain socket',
      { isUnix: true, remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, tls: null },
      'http',
      'localhost',
      '80',
    ],
    [
      'a Unix-domain socket, https',
      { isUnix: true, remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, tls: null },
      'https',
      'localhost',
      '443',
    ],
  ] as const)('from %s, if the client says nothing', (_what, peer, scheme, name, port) => {
    expect(environOf({ authority: '', httpVersion: '1.0', peer, scheme })).toMatchObject({
      SERVER_NAME: name,
      SERVER_PORT: port,
      SERVER_PROTOCOL: 'HTTP/1.0',
    });
  });
});

describe('the client', () => {
  test('as a trusted proxy says', () => {
    const environ = environOf({ clientAddress: '203.0.113.7', clientPort: 0, scheme: 'https' });
    expect(environ).toMatchObject({
      REMOTE_ADDR: '203.0.113.7',
      REMOTE_PORT: '0',
      'wsgi.url_scheme': 'https',
      SERVER_PORT: '443',
    });
  });

  test('of a Unix-domain socket has an empty address', () => {
    const peer = {
      isUnix: true,
      remoteAddress: '',
      remotePort: 0,
      localAddress: '',
      localPort: 0,
      tls: null,
    };
    expect(environOf({ peer })).toMatchObject({ REMOTE_ADDR: '', REMOTE_PORT: '0' });
  });
});

describe('CONTENT_LENGTH', () => {
  test.each([
    [-1, undefined],
    [0, '0'],
    [5_000_000_000, '5000000000'],
  ])('%d', (length, expected) => {
    expect(environOf({ fields: ['Content-Length', '77'] }, length)['CONTENT_LENGTH']).toBe(expected);
  });
});

describe('AUTH_TYPE and REMOTE_USER', () => {
  test('come from our own authentication, and after what the client sends', () => {
    const fields = ['Remote-User', 'evil', 'REMOTE_USER', 'evil', 'Auth-Type', 'evil'];
    expect(environOf({ fields })).not.toHaveProperty('REMOTE_USER');
    expect(environOf({ fields, identity: { scheme: 'Basic', user: 'ann' } })).toMatchObject({
      AUTH_TYPE: 'Basic',
      REMOTE_USER: 'ann',
      HTTP_REMOTE_USER: 'evil',
    });
  });

  test.each([
    ['NUL', 'ann\0REMOTE_ADDR\0evil'],
    ['a character whose low byte is NUL', 'ann\u0100'],
  ])('a user name with %s would be another variable, and is refused', (_what, user) => {
    expect(() => environOf({ identity: { scheme: 'Basic', user } })).toThrow(
      expect.objectContaining({ code: 'XGI_GATEWAY_BAD_VARIABLE' }),
    );
  });
});
