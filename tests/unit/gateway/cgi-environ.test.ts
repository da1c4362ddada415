import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cgiEnviron, type CgiEnvironOptions, type CgiPlace } from '../../../src/gateway/cgi-environ.js';
import type { GatewayRequest } from '../../../src/types.js';
import { newRequest, readDelta } from './requests.js';

const PLACE: CgiPlace = {
  scriptName: '/cgi-bin/report.pl',
  pathInfo: '',
  scriptFilename: '/srv/cgi/report.pl',
  documentRoot: '/srv/cgi',
  contextPrefix: '/cgi-bin',
};

const OPTIONS: CgiEnvironOptions = {
  contentLength: -1,
  passAuthorization: false,
  redirect: null,
  software: 'xgi/1.2.3',
};

interface Case extends Partial<CgiEnvironOptions> {
  readonly request?: Partial<GatewayRequest>;
  readonly place?: Partial<CgiPlace>;
}

function deltaOf({ request = {}, place = {}, ...options }: Case): string {
  return cgiEnviron(newRequest(request), { ...PLACE, ...place }, { ...OPTIONS, ...options });
}

function environOf(given: Case): Record<string, string> {
  return readDelta(deltaOf(given));
}

test('all meta-variables of a plain request', () => {
  const request = {
    target: '/cgi-bin/report.pl?year=1999',
    path: '/cgi-bin/report.pl',
    query: 'year=1999',
    fields: ['Host', 'shop.example', 'Accept', '*/*'],
  };
  expect(environOf({ request })).toEqual({
    HTTP_HOST: 'shop.example',
    HTTP_ACCEPT: '*/*',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: 'xgi/1.2.3',
    SERVER_NAME: 'shop.example',
    SERVER_PORT: '80',
    SERVER_ADDR: '198.51.100.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: 'GET',
    REQUEST_SCHEME: 'http',
    REQUEST_URI: '/cgi-bin/report.pl?year=1999',
    QUERY_STRING: 'year=1999',
    SCRIPT_NAME: '/cgi-bin/report.pl',
    SCRIPT_FILENAME: '/srv/cgi/report.pl',
    PATH_INFO: '',
    DOCUMENT_ROOT: '/srv/cgi',
    CONTEXT_PREFIX: '/cgi-bin',
    CONTEXT_DOCUMENT_ROOT: '/srv/cgi',
    REMOTE_ADDR: '192.0.2.1',
    REMOTE_HOST: '192.0.2.1',
    REMOTE_PORT: '4711',
    UNIQUE_ID: 'id',
    REDIRECT_STATUS: '200',
  });
});

test('ends without a NUL', () => {
  expect(deltaOf({})).not.toMatch(/\0$/);
  expect(deltaOf({ contentLength: 0 })).not.toMatch(/\0$/);
});

describe('what the client sends', () => {
  test('sets no variable but HTTP_* and CONTENT_TYPE', () => {
    const names = Object.keys(environOf({}));
    const fields = names.flatMap((name) => [name, 'evil', name.replaceAll('_', '-'), 'evil']);
    const environ = environOf({ request: { fields } });
    for (const [name, value] of Object.entries(environ))
      expect(value === 'evil', name).toBe(name.startsWith('HTTP_'));
  });

  test.each(['Authorization', 'authorization', 'AUTHORIZATION'])('%s is kept from programs', (name) => {
    const request = { fields: [name, 'Basic YTpi', 'Accept', '*/*'] };
    expect(environOf({ request })).not.toHaveProperty('HTTP_AUTHORIZATION');
    expect(environOf({ request })).toHaveProperty('HTTP_ACCEPT');
    expect(environOf({ request, passAuthorization: true })).toHaveProperty(
      'HTTP_AUTHORIZATION',
      'Basic YTpi',
    );
  });

  test.each(['Proxy-Authorization', 'proxy-authorization', 'Proxy', 'PROXY'])(
    '%s never comes through',
    (name) => {
      const environ = environOf({ request: { fields: [name, 'evil'] }, passAuthorization: true });
      expect(Object.values(environ)).not.toContain('evil');
    },
  );

  test('Content-Type, repeated fields and names with underscores as for WSGI', () => {
    const fields = [
      'Content-Type',
      'a/b',
      'Cookie',
      'a=1',
      'cookie',
      'b=2',
      'X_A',
      'evil',
      'X-A',
      '1',
      'x-a',
      '2',
    ];
    expect(environOf({ request: { fields } })).toMatchObject({
      CONTENT_TYPE: 'a/b',
      HTTP_COOKIE: 'a=1; b=2',
      HTTP_X_A: '1, 2',
    });
  });
});

describe('a value with a NUL would set further variables, and is refused', () => {
  const EVIL = '/x\0SCRIPT_FILENAME\0/etc/passwd';
  test.each<[string, Case]>([
    ['PATH_INFO', { place: { pathInfo: EVIL } }],
    ['SCRIPT_NAME', { place: { scriptName: EVIL } }],
    ['SCRIPT_FILENAME', { place: { scriptFilename: EVIL } }],
    ['DOCUMENT_ROOT', { place: { documentRoot: EVIL } }],
    ['CONTEXT_PREFIX', { place: { contextPrefix: EVIL } }],
    ['QUERY_STRING', { request: { query: EVIL } }],
    ['REQUEST_URI', { request: { target: EVIL } }],
    ['REQUEST_METHOD', { request: { method: EVIL } }],
    ['REMOTE_ADDR', { request: { clientAddress: EVIL } }],
    ['SERVER_NAME', { request: { authority: EVIL } }],
    ['REMOTE_USER', { request: { identity: { scheme: 'Basic', user: EVIL } } }],
    ['AUTH_TYPE', { request: { identity: { scheme: EVIL, user: 'a' } } }],
    ['X-A', { request: { fields: ['X-A', EVIL] } }],
    ['REDIRECT_URL', { redirect: { url: EVIL, query: '' } }],
    ['REDIRECT_QUERY_STRING', { redirect: { url: '/', query: EVIL } }],
    ['SERVER_SOFTWARE', { software: EVIL }],
  ])('%s', (name, given) => {
    expect(() => deltaOf(given)).toThrow(
      expect.objectContaining({
        name: 'LocalProtocolError',
        code: 'XGI_GATEWAY_BAD_VARIABLE',
        message: expect.stringContaining(name) as string,
      }),
    );
  });

  test('so is a character whose low byte is NUL', () => {
    expect(() => deltaOf({ place: { pathInfo: '/\u0100' } })).toThrow('one per character');
  });

  test('whatever the values are, there is one pair for each name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (pathInfo, query, value) => {
          const given = { place: { pathInfo }, request: { query, fields: ['X-A', value] } };
          let delta: string;
          try {
            delta = deltaOf(given);
          } catch (error) {
            expect(error).toHaveProperty('code', 'XGI_GATEWAY_BAD_VARIABLE');
            return;
          }
          const environ = readDelta(Buffer.from(delta, 'latin1').toString('latin1'));
          expect(environ).toMatchObject({ PATH_INFO: pathInfo, QUERY_STRING: query, HTTP_X_A: value });
        },
      ),
      { seed: 20_260_102, numRuns: 1000 },
    );
  });
});

describe('PATH_INFO and PATH_TRANSLATED', () => {
  test('are below the root of the programs', () => {
    expect(environOf({ place: { pathInfo: '/a//caf\u00c3\u00a9/' } })).toMatchObject({
      PATH_INFO: '/a//caf\u00c3\u00a9/',
      PATH_TRANSLATED: '/srv/cgi/a//caf\u00c3\u00a9/',
    });
  });

  test('PATH_TRANSLATED is absent without PATH_INFO', () => {
    expect(environOf({})).not.toHaveProperty('PATH_TRANSLATED');
  });

  test('the root of the file system has one slash', () => {
    expect(environOf({ place: { pathInfo: '/a', documentRoot: '/' } })).toMatchObject({
      PATH_TRANSLATED: '/a',
    });
  });
});

describe('REQUEST_URI is what the client asked for', () => {
  test.each([
    ['/a%20b?c', '/a%20b?c'],
    ['/a?', '/a?'],
    ['//host/a', '//host/a'],
    ['*', '*'],
    ['http://h.example/a?b', '/a?b'],
    ['http://h.example', '/'],
    ['http://h.example?b', '/?b'],
    ['HTTPS://user@h.example:1/a', '/a'],
  ])('%s gives %s', (target, uri) => {
    const request = { target, path: '/after/a/redirect', query: 'another' };
    expect(environOf({ request })).toMatchObject({ REQUEST_URI: uri, QUERY_STRING: 'another' });
  });
});

describe('the rest', () => {
  test.each([
    [-1, undefined],
    [0, '0'],
    [5_000_000_000, '5000000000'],
  ])('a body of %d bytes', (contentLength, expected) => {
    const request = { fields: ['Content-Length', '77'] };
    expect(environOf({ request, contentLength })['CONTENT_LENGTH']).toBe(expected);
  });

  test('HTTPS is on, or absent', () => {
    expect(environOf({ request: { scheme: 'https' } })).toMatchObject({
      HTTPS: 'on',
      REQUEST_SCHEME: 'https',
      SERVER_PORT: '443',
    });
    expect(environOf({})).not.toHaveProperty('HTTPS');
  });

  test('who has been authenticated', () => {
    expect(environOf({ request: { identity: { scheme: 'Basic', user: 'ann' } } })).toMatchObject({
      AUTH_TYPE: 'Basic',
      REMOTE_USER: 'ann',
    });
    expect(environOf({})).not.toHaveProperty('REMOTE_USER');
    expect(environOf({})).not.toHaveProperty('AUTH_TYPE');
  });

  test('a local redirect', () => {
    const redirect = { url: '/cgi-bin/first', query: 'a=b' };
    expect(environOf({ redirect })).toMatchObject({
      REDIRECT_URL: '/cgi-bin/first',
      REDIRECT_QUERY_STRING: 'a=b',
      REDIRECT_STATUS: '200',
    });
    expect(environOf({})).not.toHaveProperty('REDIRECT_URL');
  });

  test('a client behind a trusted proxy, and one on a Unix-domain socket', () => {
    expect(environOf({ request: { clientAddress: '203.0.113.7', clientPort: 0 } })).toMatchObject({
      REMOTE_ADDR: '203.0.113.7',
      REMOTE_HOST: '203.0.113.7',
      REMOTE_PORT: '0',
    });
    const peer = {
      isUnix: true,
      remoteAddress: '',
      remotePort: 0,
      localAddress: '',
      localPort: 0,
      tls: null,
    };
    expect(environOf({ request: { peer, authority: '' } })).toMatchObject({
      REMOTE_ADDR: '',
      SERVER_ADDR: '',
      SERVER_NAME: 'localhost',
    });
  });
});
