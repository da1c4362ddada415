/**
 * Golden requests: what is read of valid ones, and the status and code that each broken rule gets.
 * Every text is latin-1, one character per byte.
 */
import type { HttpLimits } from '../../../../src/types.js';

export interface ValidCase {
  readonly name: string;
  readonly input: string;
  readonly limits?: Partial<HttpLimits>;
  /** One for each request; what is not named is not compared. */
  readonly requests: readonly ExpectedRequest[];
}

export interface ExpectedRequest {
  readonly method?: string;
  readonly target?: string;
  readonly path?: string;
  readonly query?: string;
  readonly authority?: string;
  readonly httpVersion?: '1.0' | '1.1';
  readonly fields?: readonly string[];
  readonly contentLength?: number;
  readonly keepAlive?: boolean;
  readonly expectContinue?: boolean;
  readonly upgrade?: boolean;
  readonly body?: string;
}

export interface InvalidCase {
  readonly name: string;
  readonly input: string;
  readonly limits?: Partial<HttpLimits>;
  readonly status: number;
  readonly code: string;
  /** How many requests are read before the broken one. Default 0. */
  readonly before?: number;
}

const HOST = 'Host: a\r\n';

/** A GET with these further field lines. */
export function get(fields = '', target = '/'): string {
  return `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
}

export function post(fields: string, body = ''): string {
  return `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
}

export function chunked(body: string, fields = ''): string {
  return post(`Transfer-Encoding: chunked\r\n${fields}`, body);
}

export const VALID: readonly ValidCase[] = [
  {
    name: 'the least',
    input: get(),
    requests: [
      {
        method: 'GET',
        target: '/',
        path: '/',
        query: '',
        authority: 'a',
        httpVersion: '1.1',
        fields: ['Host', 'a'],
        contentLength: 0,
        keepAlive: true,
        expectContinue: false,
        upgrade: false,
        body: '',
      },
    ],
  },
  {
    name: 'query, with a second question mark',
    input: get('', '/a/b?c=d?e'),
    requests: [{ target: '/a/b?c=d?e', path: '/a/b', query: 'c=d?e' }],
  },
  { name: 'empty query', input: get('', '/a?'), requests: [{ path: '/a', query: '' }] },
  {
    name: 'percent-encoding is kept',
    input: get('', '/%41%2f?%zz'),
    requests: [{ path: '/%41%2f', query: '%zz' }],
  },
  {
    name: 'double slash',
    input: get('', '//evil.example/x'),
    requests: [{ path: '//evil.example/x', authority: 'a' }],
  },
  {
    name: 'raw bytes above 0x7f in the target',
    input: get('', '/\xc3\xa9'),
    requests: [{ path: '/\xc3\xa9' }],
  },
  {
    name: 'method is any token, and keeps its case',
    input: `m-x~!#$%&'*+.^_\`| / HTTP/1.1\r\n${HOST}\r\n`,
    requests: [{ method: "m-x~!#$%&'*+.^_`|" }],
  },
  {
    name: 'optional white space around values goes, inside it stays',
    input: get('A:b\r\nB: \t c d\te \t \r\nC:\r\nD: \t\r\n'),
    requests: [{ fields: ['Host', 'a', 'A', 'b', 'B', 'c d\te', 'C', '', 'D', ''] }],
  },
  { name: 'obs-text', input: get('X: \x80\xff\r\n'), requests: [{ fields: ['Host', 'a', 'X', '\x80\xff'] }] },
  {
    name: 'repeated fields in order',
    input: get('Cookie: a\r\nX: 1\r\ncookie: b\r\n'),
    requests: [{ fields: ['Host', 'a', 'Cookie', 'a', 'X', '1', 'cookie', 'b'] }],
  },
  {
    name: 'names of every token character',
    input: get("!#$%&'*+-.^_`|~09AZaz: v\r\n"),
    requests: [{ fields: ['Host', 'a', "!#$%&'*+-.^_`|~09AZaz", 'v'] }],
  },
  { name: 'one empty line before the request line', input: `\r\n${get()}`, requests: [{ method: 'GET' }] },
  {
    name: 'an empty line after a body, then a request',
    input: `${post('Content-Length: 2\r\n', 'ab')}\r\n${get()}`,
    requests: [{ method: 'POST', body: 'ab' }, { method: 'GET' }],
  },
  {
    name: 'more fields than the offset table starts with',
    input: get(Array.from({ length: 99 }, (_, i) => `X-${i}: ${i}\r\n`).join('')),
    requests: [{ fields: ['Host', 'a', ...Array.from({ length: 99 }, (_, i) => [`X-${i}`, `${i}`]).flat()] }],
  },
  // Authority
  {
    name: 'Host with port',
    input: 'GET / HTTP/1.1\r\nHost: a.example:8000\r\n\r\n',
    requests: [{ authority: 'a.example:8000' }],
  },
  {
    name: 'Host with an empty port',
    input: 'GET / HTTP/1.1\r\nhost: a:\r\n\r\n',
    requests: [{ authority: 'a:' }],
  },
  {
    name: 'Host is IPv6',
    input: 'GET / HTTP/1.1\r\nHOST: [::1]:80\r\n\r\n',
    requests: [{ authority: '[::1]:80' }],
  },
  // Forms of the target
  {
    name: 'absolute-form: the authority replaces Host',
    input: get('X: y\r\n', 'http://b.example:81/p?q'),
    requests: [
      {
        target: 'http://b.example:81/p?q',
        path: '/p',
        query: 'q',
        authority: 'b.example:81',
        fields: ['Host', 'b.example:81', 'X', 'y'],
      },
    ],
  },
  {
    name: 'absolute-form without path',
    input: get('', 'HTTP://b?q'),
    requests: [{ path: '/', query: 'q', authority: 'b' }],
  },
  {
    name: 'absolute-form with https',
    input: get('', 'https://b/'),
    requests: [{ path: '/', authority: 'b' }],
  },
  {
    name: 'absolute-form, HTTP/1.0, without Host',
    input: 'GET http://b/ HTTP/1.0\r\n\r\n',
    requests: [{ path: '/', authority: 'b', httpVersion: '1.0' }],
  },
  {
    name: 'asterisk-form',
    input: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
    requests: [{ path: '*', query: '', authority: 'a' }],
  },
  {
    name: 'OPTIONS in absolute-form without path is asterisk-form',
    input: `OPTIONS http://b HTTP/1.1\r\n${HOST}\r\n`,
    requests: [{ path: '*', authority: 'b', fields: ['Host', 'b'] }],
  },
  // Versions and persistence
  {
    name: 'HTTP/1.0 closes, and needs no Host',
    input: 'GET / HTTP/1.0\r\n\r\n',
    requests: [{ httpVersion: '1.0', keepAlive: false, authority: '', fields: [] }],
  },
  {
    name: 'HTTP/1.0 with keep-alive',
    input: 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
    requests: [{ keepAlive: true }],
  },
  {
    name: 'HTTP/1.0 with keep-alive and close',
    input: 'GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n',
    requests: [{ keepAlive: false }],
  },
  { name: 'HTTP/1.1 with close', input: get('Connection: Close\r\n'), requests: [{ keepAlive: false }] },
  {
    name: 'close in a second Connection line',
    input: get('Connection: x\r\nConnection: y ,\tCLOSE\r\n'),
    requests: [{ keepAlive: false }],
  },
  {
    name: 'close with white space around it',
    input: get('Connection: x,\t close \t, y\r\n'),
    requests: [{ keepAlive: false }],
  },
  {
    name: 'close as part of another option',
    input: get('Connection: closed, not-close\r\n'),
    requests: [{ keepAlive: true }],
  },
  {
    name: 'a later minor version is read as 1.1',
    input: `GET / HTTP/1.9\r\n${HOST}\r\n`,
    requests: [{ httpVersion: '1.1', keepAlive: true }],
  },
  // Expect, Upgrade
  {
    name: 'Expect',
    input: post('Expect: 100-Continue\r\nContent-Length: 1\r\n', 'x'),
    requests: [{ expectContinue: true, body: 'x' }],
  },
  {
    name: 'Expect in HTTP/1.0 is ignored',
    input: 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx',
    requests: [{ expectContinue: false, body: 'x' }],
  },
  {
    name: 'an unknown expectation in HTTP/1.0 is ignored',
    input: 'GET / HTTP/1.0\r\nExpect: gold\r\n\r\n',
    requests: [{ expectContinue: false }],
  },
  {
    name: 'Upgrade',
    input: get('Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n'),
    requests: [{ upgrade: true, keepAlive: true }],
  },
  {
    name: 'Upgrade without Connection: upgrade is no offer',
    input: get('Upgrade: websocket\r\n'),
    requests: [{ upgrade: false }],
  },
  {
    name: 'Upgrade in HTTP/1.0 is ignored',
    input: 'GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    requests: [{ upgrade: false }],
  },
  // Bodies
  {
    name: 'Content-Length',
    input: post('Content-Length: 5\r\n', 'ab\r\nc'),
    requests: [{ contentLength: 5, body: 'ab\r\nc' }],
  },
  {
    name: 'Content-Length: 0',
    input: post('Content-Length: 0\r\n') + get(),
    requests: [{ contentLength: 0 }, {}],
  },
  {
    name: 'Content-Length with leading zeros',
    input: post('Content-Length: 0003\r\n', 'abc'),
    requests: [{ contentLength: 3, body: 'abc' }],
  },
  {
    name: 'GET with a body',
    input: get('Content-Length: 3\r\n') + 'abc',
    requests: [{ method: 'GET', body: 'abc' }],
  },
  {
    name: 'HTTP/1.0 with a body',
    input: 'POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc',
    requests: [{ httpVersion: '1.0', body: 'abc' }],
  },
  {
    name: 'a body that looks like a request',
    input: post(`Content-Length: ${get().length}\r\n`, get()) + get('', '/second'),
    requests: [{ body: get() }, { path: '/second' }],
  },
  {
    name: 'chunked',
    input: chunked('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'),
    requests: [{ contentLength: -1, body: 'abcde' }],
  },
  {
    name: 'chunked without a chunk',
    input: chunked('0\r\n\r\n'),
    requests: [{ contentLength: -1, body: '' }],
  },
  {
    name: 'chunked, the coding in other case',
    input: post('transfer-encoding: \tChunked \r\n', '1\r\nx\r\n0\r\n\r\n'),
    requests: [{ body: 'x' }],
  },
  {
    name: 'chunk sizes in both cases of letters, with leading zeros',
    input: chunked('a\r\n0123456789\r\n000A\r\n0123456789\r\n00\r\n\r\n'),
    requests: [{ body: '01234567890123456789' }],
  },
  {
    name: 'chunk extensions are read over',
    input: chunked('1;a\r\nx\r\n1;a=b;c="d;\\"\\\\ \r"\r\ny\r\n0;z\r\n\r\n'.replace(' \r"', ' "')),
    requests: [{ body: 'xy' }],
  },
  {
    name: 'chunk extension with bad white space',
    input: chunked('1 ; a = b\t;c\r\nx\r\n0\r\n\r\n'),
    requests: [{ body: 'x' }],
  },
  {
    name: 'chunk data may be anything',
    input: chunked('9\r\n\r\n0\r\n\r\n\0\n\r\n0\r\n\r\n'),
    requests: [{ body: '\r\n0\r\n\r\n\0\n' }],
  },
  {
    name: 'trailers are dropped, never merged',
    input: chunked('1\r\nx\r\n0\r\nX-Checksum: 1\r\nX-Other: \t2\r\n\r\n') + get(),
    requests: [
      { fields: ['Host', 'a', 'Transfer-Encoding', 'chunked'], body: 'x' },
      { fields: ['Host', 'a'] },
    ],
  },
  // Pipelines
  {
    name: 'pipeline of every framing',
    input:
      get('', '/1') + post('Content-Length: 3\r\n', 'abc') + chunked('2\r\nde\r\n0\r\n\r\n') + get('', '/4'),
    requests: [{ path: '/1' }, { body: 'abc' }, { body: 'de' }, { path: '/4', body: '' }],
  },
  // Limits, exactly reached
  {
    name: 'a request line of exactly the limit',
    input: get('', '/'.padEnd(4094 - 'GET  HTTP/1.1'.length, 'x')),
    requests: [{ path: '/'.padEnd(4094 - 'GET  HTTP/1.1'.length, 'x') }],
  },
  {
    name: 'as many fields as allowed',
    input: get('A: 1\r\nB: 2\r\n'),
    limits: { maxFields: 3 },
    requests: [{}],
  },
  {
    name: 'a field of exactly the limit',
    input: get('X: 6789\r\n'),
    limits: { maxFieldBytes: 7 },
    requests: [{}],
  },
  {
    name: 'a body of exactly the limit',
    input: post('Content-Length: 3\r\n', 'abc'),
    limits: { maxBodyBytes: 3 },
    requests: [{ body: 'abc' }],
  },
  {
    name: 'chunks of exactly the limit, for each request anew',
    input: chunked('2\r\nab\r\n1\r\nc\r\n0\r\n\r\n').repeat(2),
    limits: { maxBodyBytes: 3 },
    requests: [{ body: 'abc' }, { body: 'abc' }],
  },
];

const line = (text: string): string => `${text}\r\n${HOST}\r\n`;

export const INVALID: readonly InvalidCase[] = [
  // Line ends
  {
    name: 'LF after the request line',
    input: `GET / HTTP/1.1\n${HOST}\r\n`,
    status: 400,
    code: 'XGI_HTTP_BARE_LF',
  },
  {
    name: 'LF after a field',
    input: 'GET / HTTP/1.1\r\nHost: a\n\r\n',
    status: 400,
    code: 'XGI_HTTP_BARE_LF',
  },
  {
    name: 'LF as the empty line',
    input: `GET / HTTP/1.1\r\n${HOST}\n`,
    status: 400,
    code: 'XGI_HTTP_BARE_LF',
  },
  { name: 'LF before the request line', input: `\n${get()}`, status: 400, code: 'XGI_HTTP_BARE_LF' },
  {
    name: 'CR after the request line',
    input: `GET / HTTP/1.1\r${HOST}\r\n`,
    status: 400,
    code: 'XGI_HTTP_BARE_CR',
  },
  { name: 'CR inside a value', input: get('X: a\rb\r\n'), status: 400, code: 'XGI_HTTP_BARE_CR' },
  { name: 'CR CR LF', input: get('X: a\r\r\n'), status: 400, code: 'XGI_HTTP_BARE_CR' },
  { name: 'CR before a field name', input: get('\rX: a\r\n'), status: 400, code: 'XGI_HTTP_BARE_CR' },
  {
    name: 'two empty lines before the request line',
    input: `\r\n\r\n${get()}`,
    status: 400,
    code: 'XGI_HTTP_REQUEST_LINE',
  },
  { name: 'obs-fold with a space', input: get('X: a\r\n b\r\n'), status: 400, code: 'XGI_HTTP_FOLD' },
  { name: 'obs-fold with a tab', input: get('X: a\r\n\tb: c\r\n'), status: 400, code: 'XGI_HTTP_FOLD' },
  { name: 'a line of white space', input: get('X: a\r\n \r\n'), status: 400, code: 'XGI_HTTP_FOLD' },
  {
    name: 'white space before the first field',
    input: 'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
    status: 400,
    code: 'XGI_HTTP_FOLD',
  },
  // Request line
  { name: 'empty method', input: line(' / HTTP/1.1'), status: 400, code: 'XGI_HTTP_METHOD' },
  { name: 'method is no token', input: line('G(T / HTTP/1.1'), status: 400, code: 'XGI_HTTP_METHOD' },
  { name: 'method only', input: line('GET'), status: 400, code: 'XGI_HTTP_METHOD' },
  { name: 'tab after the method', input: line('GET\t/ HTTP/1.1'), status: 400, code: 'XGI_HTTP_METHOD' },
  {
    name: 'two spaces after the method',
    input: line('GET  / HTTP/1.1'),
    status: 400,
    code: 'XGI_HTTP_TARGET',
  },
  { name: 'HTTP/0.9', input: line('GET /'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'tab after the target', input: line('GET /\tHTTP/1.1'), status: 400, code: 'XGI_HTTP_TARGET' },
  {
    name: 'space in the target',
    input: line('GET /a b HTTP/1.1'),
    status: 400,
    code: 'XGI_HTTP_REQUEST_LINE',
  },
  {
    name: 'two spaces after the target',
    input: line('GET /  HTTP/1.1'),
    status: 400,
    code: 'XGI_HTTP_REQUEST_LINE',
  },
  {
    name: 'space after the version',
    input: line('GET / HTTP/1.1 '),
    status: 400,
    code: 'XGI_HTTP_REQUEST_LINE',
  },
  {
    name: 'version in lower case',
    input: line('GET / http/1.1'),
    status: 400,
    code: 'XGI_HTTP_REQUEST_LINE',
  },
  { name: 'another protocol', input: line('GET / HTCPCP/1.1'), status: 400, code: 'XGI_HTTP_REQUEST_LINE' },
  { name: 'version 1', input: line('GET / HTTP/1'), status: 400, code: 'XGI_HTTP_REQUEST_LINE' },
  { name: 'version 1.', input: line('GET / HTTP/1.'), status: 400, code: 'XGI_HTTP_REQUEST_LINE' },
  { name: 'version 1.10', input: line('GET / HTTP/1.10'), status: 400, code: 'XGI_HTTP_REQUEST_LINE' },
  { name: 'version 1.x', input: line('GET / HTTP/1.x'), status: 400, code: 'XGI_HTTP_REQUEST_LINE' },
  { name: 'version 01.1', input: line('GET / HTTP/01.1'), status: 400, code: 'XGI_HTTP_REQUEST_LINE' },
  { name: 'version 0.9', input: line('GET / HTTP/0.9'), status: 505, code: 'XGI_HTTP_VERSION' },
  { name: 'version 2.0', input: line('GET / HTTP/2.0'), status: 505, code: 'XGI_HTTP_VERSION' },
  {
    name: 'the preface of HTTP/2',
    input: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    status: 505,
    code: 'XGI_HTTP_VERSION',
  },
  {
    name: 'a TLS client',
    input: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
    status: 400,
    code: 'XGI_HTTP_CONTROL',
  },
  // Target
  { name: 'fragment', input: get('', '/a#b'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'NUL in the target', input: get('', '/a\0b'), status: 400, code: 'XGI_HTTP_CONTROL' },
  { name: 'DEL in the target', input: get('', '/a\x7fb'), status: 400, code: 'XGI_HTTP_CONTROL' },
  { name: 'encoded NUL in the path', input: get('', '/a%00b'), status: 400, code: 'XGI_HTTP_TARGET' },
  {
    name: 'percent sign at the end of the path',
    input: get('', '/a%'),
    status: 400,
    code: 'XGI_HTTP_TARGET',
  },
  { name: 'percent sign and one digit', input: get('', '/a%4'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'percent sign without digits', input: get('', '/%u0041'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'a target without slash', input: get('', 'a'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'only a query', input: get('', '?a'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'another scheme', input: get('', 'ftp://a/'), status: 400, code: 'XGI_HTTP_TARGET' },
  {
    name: 'absolute-form without authority',
    input: get('', 'http:///a'),
    status: 400,
    code: 'XGI_HTTP_TARGET',
  },
  {
    name: 'absolute-form with user information',
    input: get('', 'http://u:p@a/'),
    status: 400,
    code: 'XGI_HTTP_TARGET',
  },
  {
    name: 'absolute-form with a backslash in the authority',
    input: get('', 'http://a\\b/'),
    status: 400,
    code: 'XGI_HTTP_TARGET',
  },
  {
    name: 'absolute-form with an encoded NUL',
    input: get('', 'http://a/%00'),
    status: 400,
    code: 'XGI_HTTP_TARGET',
  },
  { name: '* with GET', input: get('', '*'), status: 400, code: 'XGI_HTTP_TARGET' },
  { name: 'CONNECT', input: line('CONNECT a:443 HTTP/1.1'), status: 501, code: 'XGI_HTTP_CONNECT' },
  { name: 'CONNECT with a path', input: line('CONNECT /a HTTP/1.1'), status: 501, code: 'XGI_HTTP_CONNECT' },
  // Fields
  { name: 'space before the colon', input: get('X : a\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  { name: 'tab before the colon', input: get('X\t: a\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  { name: 'empty name', input: get(': a\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  { name: 'no colon', input: get('X\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  { name: 'space in the name', input: get('X Y: a\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  { name: 'name is no token', input: get('X(: a\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  { name: 'obs-text in a name', input: get('X\xe9: a\r\n'), status: 400, code: 'XGI_HTTP_FIELD_NAME' },
  ...['\0', '\x01', '\x08', '\x0b', '\x0c', '\x1f', '\x7f'].map((control) => ({
    name: `control character ${JSON.stringify(control)} in a value`,
    input: get(`X: a${control}b\r\n`),
    status: 400,
    code: 'XGI_HTTP_CONTROL',
  })),
  { name: 'NUL in a name', input: get('X\0: a\r\n'), status: 400, code: 'XGI_HTTP_CONTROL' },
  // Host
  { name: 'no Host', input: 'GET / HTTP/1.1\r\n\r\n', status: 400, code: 'XGI_HTTP_HOST' },
  { name: 'empty Host', input: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', status: 400, code: 'XGI_HTTP_HOST' },
  {
    name: 'empty Host, HTTP/1.0',
    input: 'GET / HTTP/1.0\r\nHost: \r\n\r\n',
    status: 400,
    code: 'XGI_HTTP_HOST',
  },
  { name: 'Host twice', input: get('Host: b\r\n'), status: 400, code: 'XGI_HTTP_HOST' },
  { name: 'Host twice with the same value', input: get('host: a\r\n'), status: 400, code: 'XGI_HTTP_HOST' },
  ...[
    'a b',
    'a/b',
    'u@a',
    'a?b',
    'a#b',
    'a\\b',
    '"a"',
    '<a>',
    'a:x',
    'a:80:80',
    'a:123456',
    ':80',
    '[::1',
    '::1',
    '[g]',
    'a\xe9',
    '[]',
  ].map((host) => ({
    name: `Host: ${host}`,
    input: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    status: 400,
    code: 'XGI_HTTP_HOST',
  })),
  {
    name: 'a bad Host beside an absolute-form target',
    input: 'GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n',
    status: 400,
    code: 'XGI_HTTP_HOST',
  },
  {
    name: 'no Host beside an absolute-form target',
    input: 'GET http://b/ HTTP/1.1\r\n\r\n',
    status: 400,
    code: 'XGI_HTTP_HOST',
  },
  // Content-Length
  ...['+5', '-5', '', '5 5', '5,5', '5, 6', '0x5', '5.0', '5e0', 'five', '\xb2', '1_0'].map((value) => ({
    name: `Content-Length: ${JSON.stringify(value)}`,
    input: post(`Content-Length: ${value}\r\n`, 'abcde'),
    status: 400,
    code: 'XGI_HTTP_CONTENT_LENGTH',
  })),
  {
    name: 'Content-Length twice',
    input: post('Content-Length: 5\r\nContent-Length: 6\r\n', 'abcde'),
    status: 400,
    code: 'XGI_HTTP_CONTENT_LENGTH',
  },
  {
    name: 'Content-Length twice, the same',
    input: post('Content-Length: 5\r\ncontent-length: 5\r\n', 'abcde'),
    status: 400,
    code: 'XGI_HTTP_CONTENT_LENGTH',
  },
  {
    name: 'Content-Length beyond a double',
    input: post('Content-Length: 18446744073709551617\r\n', 'a'),
    status: 413,
    code: 'XGI_HTTP_BODY_SIZE',
  },
  // Transfer-Encoding
  {
    name: 'Content-Length, then Transfer-Encoding',
    input: post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_FRAMING',
  },
  {
    name: 'Transfer-Encoding, then Content-Length: 0',
    input: post('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', '0\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_FRAMING',
  },
  {
    name: 'Transfer-Encoding in HTTP/1.0',
    input: `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
    code: 'XGI_HTTP_TRANSFER_ENCODING',
  },
  ...['chunked, chunked', 'chunked, gzip', 'chunked,', ',chunked', 'gzip,,chunked', '', ','].map((value) => ({
    name: `Transfer-Encoding: ${JSON.stringify(value)}`,
    input: post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_TRANSFER_ENCODING',
  })),
  ...[
    'gzip',
    'gzip, chunked',
    'identity',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    'chunke',
    '\xa0chunked',
    'chunked\xa0',
    'identity, chunked',
  ].map((value) => ({
    name: `Transfer-Encoding: ${JSON.stringify(value)}`,
    input: post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'),
    status: 501,
    code: 'XGI_HTTP_TRANSFER_ENCODING',
  })),
  {
    name: 'Transfer-Encoding in two lines',
    input: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_TRANSFER_ENCODING',
  },
  {
    name: 'Transfer-Encoding in two lines, identity second',
    input: post('Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n', '0\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_TRANSFER_ENCODING',
  },
  // Expect
  {
    name: 'an unknown expectation',
    input: post('Expect: gold\r\nContent-Length: 1\r\n', 'x'),
    status: 417,
    code: 'XGI_HTTP_EXPECT',
  },
  {
    name: 'an expectation beside 100-continue',
    input: post('Expect: 100-continue\r\nExpect: x\r\n'),
    status: 417,
    code: 'XGI_HTTP_EXPECT',
  },
  // Chunks
  ...[
    '',
    'g',
    '-1',
    '+1',
    '0x1',
    '1 ',
    ' 1',
    '\t1',
    '1\t',
    '1;',
    '1;;a',
    '1;a=',
    '1;=b',
    '1;a="b',
    '1;a=b c',
    '1;a="b"c',
    '1,a',
    '1_0',
    '12345678901234',
    '1;\xe9',
  ].map((size) => ({
    name: `chunk-size line ${JSON.stringify(size)}`,
    input: chunked(`${size}\r\nx\r\n0\r\n\r\n`),
    status: 400,
    code: 'XGI_HTTP_CHUNK',
    before: 1,
  })),
  ...[
    ['LF after the size', '1\nx\r\n0\r\n\r\n'],
    ['CR after the size', '1\rx\r\n0\r\n\r\n'],
    ['CR and another byte after the size', '1\rZx\r\n0\r\n\r\n'],
    ['LF LF after the size', '1\n\nx\r\n0\r\n\r\n'],
    ['LF inside an extension', '1;a\nb\r\nx\r\n0\r\n\r\n'],
    ['NUL inside an extension', '1;a\0\r\nx\r\n0\r\n\r\n'],
    ['LF after the data', '1\r\nx\n0\r\n\r\n'],
    ['CR after the data', '1\r\nx\r0\r\n\r\n'],
    ['nothing after the data', '1\r\nx0\r\n\r\n'],
    ['more data than said', '1\r\nxy\r\n0\r\n\r\n'],
    ['a space after the data', '1\r\nx \r\n0\r\n\r\n'],
    ['an endless size line', `1;${'a'.repeat(300)}\r\nx\r\n0\r\n\r\n`],
    ['an endless size', `${'0'.repeat(300)}1\r\nx\r\n0\r\n\r\n`],
  ].map(([name, body]) => ({
    name: `chunk: ${name}`,
    input: chunked(body!),
    status: 400,
    code: 'XGI_HTTP_CHUNK',
    before: 1,
  })),
  // Trailers
  ...[
    'Content-Length: 5',
    'transfer-encoding: chunked',
    'Host: b',
    'Authorization: x',
    'Cookie: a=b',
    'Connection: close',
    'X-Forwarded-For: 1.2.3.4',
    'Content-Type: text/html',
    'Trailer: x',
  ].map((trailer) => ({
    name: `trailer ${trailer}`,
    input: chunked(`0\r\n${trailer}\r\n\r\n`),
    status: 400,
    code: 'XGI_HTTP_TRAILER',
    before: 1,
  })),
  {
    name: 'trailer: obs-fold',
    input: chunked('0\r\nX: a\r\n b\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_FOLD',
    before: 1,
  },
  {
    name: 'trailer: LF',
    input: chunked('0\r\nX: a\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_BARE_LF',
    before: 1,
  },
  {
    name: 'trailer: LF as the last line',
    input: chunked('0\r\n\n'),
    status: 400,
    code: 'XGI_HTTP_BARE_LF',
    before: 1,
  },
  {
    name: 'trailer: space before the colon',
    input: chunked('0\r\nX : a\r\n\r\n'),
    status: 400,
    code: 'XGI_HTTP_FIELD_NAME',
    before: 1,
  },
  {
    name: 'trailer: a request instead of the last line',
    input: chunked(`0\r\n${get()}`),
    status: 400,
    code: 'XGI_HTTP_FIELD_NAME',
    before: 1,
  },
  {
    name: 'trailer: too many',
    input: chunked('0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n'),
    limits: { maxFields: 2 },
    status: 431,
    code: 'XGI_HTTP_FIELD_COUNT',
    before: 1,
  },
  {
    name: 'trailer: too long',
    input: chunked(`0\r\nA: ${'x'.repeat(60)}\r\n\r\n`),
    limits: { maxFieldBytes: 50 },
    status: 431,
    code: 'XGI_HTTP_FIELD_SIZE',
    before: 1,
  },
  {
    name: 'trailer: too much',
    input: chunked(`0\r\n${'A: 123456\r\n'.repeat(9)}\r\n`),
    limits: { maxHeadBytes: 80 },
    status: 431,
    code: 'XGI_HTTP_HEAD_SIZE',
    before: 1,
  },
  // Limits
  {
    name: 'a request line over the limit',
    input: get('', '/'.padEnd(4095 - 'GET  HTTP/1.1'.length, 'x')),
    status: 414,
    code: 'XGI_HTTP_TARGET_SIZE',
  },
  {
    name: 'a request line that never ends',
    input: `GET /${'x'.repeat(5000)}`,
    status: 414,
    code: 'XGI_HTTP_TARGET_SIZE',
  },
  { name: 'a method that never ends', input: 'G'.repeat(5000), status: 414, code: 'XGI_HTTP_TARGET_SIZE' },
  {
    name: 'one field too many',
    input: get('A: 1\r\nB: 2\r\nC: 3\r\n'),
    limits: { maxFields: 3 },
    status: 431,
    code: 'XGI_HTTP_FIELD_COUNT',
  },
  {
    name: 'a field over the limit',
    input: get('X: 67890\r\n'),
    limits: { maxFieldBytes: 7 },
    status: 431,
    code: 'XGI_HTTP_FIELD_SIZE',
  },
  {
    name: 'a field that never ends',
    input: `GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`,
    status: 431,
    code: 'XGI_HTTP_FIELD_SIZE',
  },
  {
    name: 'a head over the limit',
    input: get('X: 123456789\r\n'.repeat(50)),
    limits: { maxHeadBytes: 500 },
    status: 431,
    code: 'XGI_HTTP_HEAD_SIZE',
  },
  {
    name: 'Content-Length over the limit',
    input: post('Content-Length: 4\r\n', 'abcd'),
    limits: { maxBodyBytes: 3 },
    status: 413,
    code: 'XGI_HTTP_BODY_SIZE',
  },
  {
    name: 'one chunk over the limit',
    input: chunked('4\r\n'),
    limits: { maxBodyBytes: 3 },
    status: 413,
    code: 'XGI_HTTP_BODY_SIZE',
    before: 1,
  },
  {
    name: 'chunks over the limit',
    input: chunked('2\r\nab\r\n2\r\ncd\r\n'),
    limits: { maxBodyBytes: 3 },
    status: 413,
    code: 'XGI_HTTP_BODY_SIZE',
    before: 1,
  },
  {
    name: 'a chunk size near the end of exact numbers',
    input: chunked('1fffffffffffff\r\n'),
    status: 400,
    code: 'XGI_HTTP_CHUNK',
    before: 1,
  },
  {
    name: 'a chunk of 4 PiB',
    input: chunked('fffffffffffff\r\n'),
    status: 413,
    code: 'XGI_HTTP_BODY_SIZE',
    before: 1,
  },
  // After a good request
  {
    name: 'a broken request behind a good one',
    input: `${get()}GET / HTTP/1.1\r\nHost : a\r\n\r\n`,
    status: 400,
    code: 'XGI_HTTP_FIELD_NAME',
    before: 1,
  },
  {
    name: 'bytes behind a body',
    input: `${post('Content-Length: 1\r\n', 'x@')}${get()}`,
    status: 400,
    code: 'XGI_HTTP_METHOD',
    before: 1,
  },
];
