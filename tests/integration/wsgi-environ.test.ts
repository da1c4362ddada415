/** The environ and the input of PEP 3333, as an application sees them over real HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { startSite, type Site } from '../support/wsgi-site.js';

let site: Site;

beforeAll(async () => {
  site = await startSite({ target: 'conformance:app', trustedProxies: '127.0.0.1' });
});

afterAll(async () => {
  await site?.stop();
});

/** The environ of a request that is sent as it stands. */
async function environOf(text: string): Promise<Record<string, unknown>> {
  const client = new WsgiClient(site.port);
  client.send(text);
  const answer = await client.answer();
  client.close();
  expect(answer.status, answer.body.toString()).toBe(200);
  return JSON.parse(answer.body.toString()) as Record<string, unknown>;
}

describe('the environ', () => {
  test('of a plain request holds every key of PEP 3333, with its type', async () => {
    const client = new WsgiClient(site.port);
    client.send('GET /environ?a=b&c=%20 HTTP/1.1\r\nHost: shop.example:8080\r\nX-Thing: one\r\n\r\n');
    const { body } = await client.answer();
    const environ = JSON.parse(body.toString()) as Record<string, unknown>;
    expect(environ).toEqual({
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '',
      PATH_INFO: '/environ',
      QUERY_STRING: 'a=b&c=%20',
      REQUEST_URI: '/environ?a=b&c=%20',
      RAW_URI: '/environ?a=b&c=%20',
      SERVER_NAME: 'shop.example',
      SERVER_PORT: '8080',
      SERVER_PROTOCOL: 'HTTP/1.1',
      SERVER_SOFTWARE: 'xgi/test',
      REMOTE_ADDR: '127.0.0.1',
      REMOTE_PORT: String(client.socket.localPort),
      HTTP_HOST: 'shop.example:8080',
      HTTP_X_THING: 'one',
      'wsgi.version': [1, 0],
      'wsgi.url_scheme': 'http',
      'wsgi.input': 'BytesIO',
      'wsgi.errors': 'ErrorLog',
      'wsgi.multithread': false,
      'wsgi.multiprocess': false,
      'wsgi.run_once': false,
      'wsgi.input_terminated': true,
      'wsgi.file_wrapper': 'type',
      native: true,
      dict: true,
    });
    client.close();
  });

  test('of one request does not reach the next', async () => {
    expect((await request(site.port, '/change_environ')).body.toString()).toBe('changed');
    const environ = await environOf('GET /environ HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(environ).not.toHaveProperty('HTTP_LEFT_BEHIND');
    expect(environ['wsgi.version']).toEqual([1, 0]);
  });

  test.each([
    [
      'decodes the path to latin-1 characters',
      'GET /environ/caf%C3%A9%20%2f%ff?q=%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n',
      {
        PATH_INFO: '/environ/cafÃ© /ÿ',
        QUERY_STRING: 'q=%C3%A9',
        REQUEST_URI: '/environ/caf%C3%A9%20%2f%ff?q=%C3%A9',
      },
    ],
    [
      'keeps what looks like dot segments',
      'GET /environ/../%2e%2e//x HTTP/1.1\r\nHost: a\r\n\r\n',
      { PATH_INFO: '/environ/../..//x' },
    ],
    [
      'absolute-form',
      'GET http://Other.example:99/environ?x HTTP/1.1\r\nHost: a\r\n\r\n',
      {
        PATH_INFO: '/environ',
        SERVER_NAME: 'Other.example',
        SERVER_PORT: '99',
        HTTP_HOST: 'Other.example:99',
        REQUEST_URI: '/environ?x',
        RAW_URI: 'http://Other.example:99/environ?x',
      },
    ],
    [
      'HTTP/1.0 without Host',
      'GET /environ HTTP/1.0\r\n\r\n',
      { SERVER_NAME: '127.0.0.1', SERVER_PROTOCOL: 'HTTP/1.0', HTTP_HOST: undefined },
    ],
    [
      'IPv6 Host',
      'GET /environ HTTP/1.1\r\nHost: [::1]:70\r\n\r\n',
      { SERVER_NAME: '[::1]', SERVER_PORT: '70' },
    ],
    [
      'a Host without a port',
      'GET /environ HTTP/1.1\r\nHost: a\r\n\r\n',
      { SERVER_NAME: 'a', SERVER_PORT: '80' },
    ],
    [
      'repeated fields are one list',
      'GET /environ HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n',
      { HTTP_X_A: '1, 2', HTTP_COOKIE: 'a=1; b=2' },
    ],
    [
      'names that would collide make no variable',
      'GET /environ HTTP/1.1\r\nHost: a\r\nX_A: evil\r\nX.A: evil\r\nX-A: good\r\nContent_Length: 7\r\n\r\n',
      { HTTP_X_A: 'good', CONTENT_LENGTH: undefined, HTTP_CONTENT_LENGTH: undefined },
    ],
    [
      'Proxy makes none (httpoxy)',
      'GET /environ HTTP/1.1\r\nHost: a\r\nProxy: http://evil\r\n\r\n',
      { HTTP_PROXY: undefined },
    ],
    [
      'values are latin-1',
      'GET /environ HTTP/1.1\r\nHost: a\r\nX-A: caf\u00e9\u00ff\r\n\r\n',
      { HTTP_X_A: 'café\u00ff' },
    ],
    [
      'a client cannot set our variables',
      'GET /environ HTTP/1.1\r\nHost: a\r\nwsgi.url_scheme: https\r\nREMOTE_USER: root\r\nRemote-User: root\r\nContent-Type: a/b\r\n\r\n',
      {
        'wsgi.url_scheme': 'http',
        REMOTE_USER: undefined,
        HTTP_REMOTE_USER: 'root',
        CONTENT_TYPE: 'a/b',
        HTTP_CONTENT_TYPE: undefined,
      },
    ],
    [
      'Authorization is passed on',
      'GET /environ HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eDp5\r\n\r\n',
      { HTTP_AUTHORIZATION: 'Basic eDp5' },
    ],
    [
      'X-Forwarded-* of a trusted proxy',
      'GET /environ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9, 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\r\n',
      { REMOTE_ADDR: '203.0.113.7', 'wsgi.url_scheme': 'https', SERVER_PORT: '443' },
    ],
    [
      'Content-Length: 0',
      'POST /environ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
      { CONTENT_LENGTH: '0', REQUEST_METHOD: 'POST' },
    ],
    ['a method of its own', 'PROPFIND /environ HTTP/1.1\r\nHost: a\r\n\r\n', { REQUEST_METHOD: 'PROPFIND' }],
  ])('%s', async (_name, text, expected) => {
    const environ = await environOf(text);
    for (const [name, value] of Object.entries(expected)) expect(environ[name], name).toEqual(value);
  });

  test('a chunked body has a CONTENT_LENGTH and no Transfer-Encoding', async () => {
    const environ = await environOf(
      'POST /environ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    );
    expect(environ['CONTENT_LENGTH']).toBe('5');
    expect(environ).not.toHaveProperty('HTTP_TRANSFER_ENCODING');
    expect(environ['wsgi.input_terminated']).toBe(true);
  });

  test.each([
    ['GET', ''],
    ['POST', 'some bytes'],
  ])('wsgiref.validate has nothing to report: %s', async (method, body) => {
    const answer = await request(site.port, '/validated?a=b', {
      method,
      body,
      headers: body === '' ? [] : ['Content-Type: text/plain'],
    });
    expect(answer.body.toString(), site.log.text).toBe(`got ${body.length}`);
  });
});

describe('wsgi.multiprocess and wsgi.multithread', () => {
  test('say what is', async () => {
    const several = await startSite({ target: 'conformance:app', workers: 2, threads: 4 });
    try {
      const { body } = await request(several.port, '/environ');
      expect(JSON.parse(body.toString())).toMatchObject({
        'wsgi.multithread': true,
        'wsgi.multiprocess': true,
      });
    } finally {
      await several.stop();
    }
  });
});

const TEXT = 'line one\nline two\n\nlast without an end';
const LINES = ['line one\n', 'line two\n', '\n', 'last without an end'];

describe('wsgi.input', () => {
  const padded = 'x'.repeat(70_000);
  // The same calls on a body in memory and on one in a file.
  describe.each([
    ['in memory', TEXT, LINES],
    ['in a file', `${padded}\n${TEXT}`, [`${padded}\n`, ...LINES]],
  ])('%s', (_where, body, lines) => {
    test.each([
      ['read', [body]],
      ['read&read', [body, '']],
      ['read:4&read:3&read', [body.slice(0, 4), body.slice(4, 7), body.slice(7)]],
      ['read:-1', [body]],
      ['read:999999', [body]],
      ['readline', [lines[0]]],
      ['readline:4&readline', [body.slice(0, 4), lines[0]!.slice(4)]],
      ['readlines', [lines]],
      ['readlines:3', [lines.slice(0, 1)]],
      ['iter', [lines]],
      ['readline&iter&read&readline', [lines[0], lines.slice(1), '', '']],
    ])('%s', async (calls, expected) => {
      const answer = await request(site.port, `/read_input?${calls}`, { method: 'POST', body });
      expect(JSON.parse(answer.body.toString('latin1'))).toEqual(expected);
    });
  });

  test('of a request without a body is empty and never waits', async () => {
    const answer = await request(site.port, '/read_input?read&read:5&readline&readlines&iter');
    expect(JSON.parse(answer.body.toString())).toEqual(['', '', '', [], []]);
  });
});

describe('wsgi.errors', () => {
  test('goes to the log line by line, with the id of the request', async () => {
    const before = site.log.records.length;
    await request(site.port, '/errors');
    await site.log.waitFor(/without an end/);
    const records = site.log.records.slice(before);
    expect(records.map(({ message }) => message)).toEqual([
      'one',
      'two and a half',
      'caf\u00e9 \u2014 \u65e5\u672c',
      'by print',
      'without an end',
    ]);
    const ids = new Set(records.map(({ fields }) => fields['requestId']));
    expect(ids.size).toBe(1);
    expect([...ids][0]).toMatch(/^[0-9a-f]{10}-[0-9a-z]+$/);
    expect(records.every(({ level }) => level === 'error')).toBe(true);
  });
});
