import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../../src/config/defaults.js';
import { ConfigError } from '../../../src/errors.js';
import { compileAccessLogFormat } from '../../../src/observe/access-log-format.js';
import { fakeFinish, fakeRequest } from '../../support/finish.js';

function format(text: string, finish = fakeFinish()): string {
  const line = compileAccessLogFormat(text)(finish);
  expect(line.endsWith('\n')).toBe(true);
  return line.slice(0, -1);
}

const TIME = /\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]/;

test('the default is the line that gunicorn writes', () => {
  expect(format(DEFAULTS.accessLogFormat).replace(TIME, '[TIME]')).toBe(
    '192.0.2.1 - - [TIME] "GET /a/b?c=d HTTP/1.1" 200 12 "http://x/" "curl/8"',
  );
});

test('what was no request still has its line', () => {
  const finish = fakeFinish({ request: null, status: 400, head: null, bodyBytes: 0 });
  expect(format(DEFAULTS.accessLogFormat, finish).replace(TIME, '[TIME]')).toBe(
    '10.0.0.1 - - [TIME] "-" 400 - "-" "-"',
  );
});

describe("gunicorn's atoms", () => {
  test.each([
    ['%(h)s', '192.0.2.1'],
    ['%(l)s', '-'],
    ['%(m)s', 'GET'],
    ['%(U)s', '/a/b'],
    ['%(q)s', 'c=d'],
    ['%(H)s', 'HTTP/1.1'],
    ['%(s)s', '200'],
    ['%(B)s', '12'],
    ['%(b)d', '12'],
    ['%(T)s', '1'],
    ['%(D)s', '1234568'],
    ['%(M)s', '1234'],
    ['%(L)s', '1.234568'],
    ['%(p)s', `<${process.pid}>`],
    ['%({User-Agent}i)s', 'curl/8'],
    ['%({content-type}o)s', 'text/plain'],
    ['%({x-none}o)s', '-'],
    ['100%% %(s)s', '100% 200'],
  ])('%s', (text, expected) => {
    expect(format(text)).toBe(expected);
  });
});

describe("Apache's directives", () => {
  test.each([
    ['%h', '192.0.2.1'],
    ['%a %{c}a', '192.0.2.1 10.0.0.1'],
    ['%A:%p', '10.0.0.2:8000'],
    ['%m|%U|%q|%H', 'GET|/a/b|?c=d|HTTP/1.1'],
    ['%s %>s %<s', '200 200 200'],
    ['%B %b', '12 12'],
    ['%T %D %{ms}T %{us}T %{s}T', '1 1234568 1234 1234568 1'],
    ['%P', String(process.pid)],
    ['%v', 'example.org'],
    ['%L', '1-7'],
    ['"%{Referer}i" %{Content-Type}o', '"http://x/" text/plain'],
    ['', ''],
    ['%%', '%'],
  ])('%s', (text, expected) => {
    expect(format(text)).toBe(expected);
  });
});

describe('the user is the one of Basic authentication', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
  test.each([
    [basic('aladdin:open sesame'), 'aladdin'],
    [basic('me"\n:x'), String.raw`me\x22\x0A`],
    [basic(':x'), '-'],
    ['Bearer YTpi', '-'],
    ['Basic !', '-'],
  ])('%s', (authorization, user) => {
    const request = fakeRequest({ fields: ['Authorization', authorization] });
    expect(format('%u', fakeFinish({ request }))).toBe(user);
  });
});

describe('an unknown atom is refused, with what there is', () => {
  test.each([
    '%(z)s',
    '%z',
    '%(h)',
    '%(h)x',
    '%{x}e',
    '%{x}T',
    '%({x}e)s',
    '50%',
    '%',
    '%(constructor)s',
    '%!200{x}i',
  ])('%s', (text) => {
    expect(() => compileAccessLogFormat(text)).toThrow(ConfigError);
    expect(() => compileAccessLogFormat(text)).toThrow(/expected gunicorn's atoms .* or json, received "%/);
  });
});

test('a connection of a Unix socket has no address', () => {
  const unix = { isUnix: true, remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, tls: null };
  const request = fakeRequest({ clientAddress: '', peer: unix });
  expect(format('%h %{c}a %A', fakeFinish({ request, peer: unix }))).toBe('- - -');
});

describe('no client can forge a field or a line', () => {
  const hostile = (value: string) =>
    fakeFinish({
      request: fakeRequest({
        target: `/${value}`,
        fields: ['User-Agent', value, 'Referer', value],
        clientAddress: value,
      }),
    });

  test('a quote does not end a field, a line end does not end a line', () => {
    expect(format('"%{User-Agent}i" %s', hostile('x" 200\r\n127.0.0.1 - "'))).toBe(
      String.raw`"x\x22 200\x0D\x0A127.0.0.1 - \x22" 200`,
    );
  });

  test('outside quotes, what ends the field is escaped too', () => {
    expect(format('%{User-Agent}i %s', hostile('a b'))).toBe(String.raw`a\x20b 200`);
    expect(format('[%{User-Agent}i] %s', hostile('a] 500'))).toBe(String.raw`[a\x5D\x20500] 200`);
    expect(format('%{User-Agent}i|%s', hostile('a|b'))).toBe(String.raw`a\x7Cb|200`);
    expect(format("'%{User-Agent}i',%s", hostile("a',b"))).toBe(String.raw`'a\x27,b',200`);
    expect(format('%{User-Agent}i\t%s', hostile('a\tb'))).toBe('a\\x09b\t200');
  });

  test('outside quotes, an empty value is no less a field', () => {
    const finish = fakeFinish({ request: fakeRequest({ query: '', fields: ['Referer', ''] }) });
    expect(format('%{Referer}i %s', finish)).toBe('- 200');
    expect(format('%(q)s %s', finish)).toBe('- 200');
    expect(format('"%{Referer}i" "%(q)s" %s', finish)).toBe('"" "" 200');
    expect(format('%U%q %s', finish)).toBe('/a/b 200');
  });

  test('whatever is sent: one line, and the quoted fields are as many as ever', () => {
    const line = compileAccessLogFormat(DEFAULTS.accessLogFormat);
    assert(
      property(string({ unit: 'binary' }), (value) => {
        const text = line(hostile(value)).replace(TIME, '[TIME]');
        expect(text).toMatch(
          /^[!#-~]* - - \[TIME\] "GET \/[ !#-~]* HTTP\/1.1" 200 12 "[ !#-~]*" "[ !#-~]*"\n$/,
        );
      }),
    );
  });
});

describe('json', () => {
  test('has fixed keys', () => {
    const { time, ...rest } = JSON.parse(format('json')) as Record<string, unknown>;
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(rest).toEqual({
      id: '1-7',
      client: '192.0.2.1',
      user: null,
      method: 'GET',
      scheme: 'http',
      host: 'example.org:8000',
      target: '/a/b?c=d',
      protocol: 'HTTP/1.1',
      status: 200,
      bodyBytes: 12,
      durationMs: 1234.568,
      aborted: false,
      contentType: 'text/plain',
      referer: 'http://x/',
      userAgent: 'curl/8',
    });
    const none = JSON.parse(format('json', fakeFinish({ request: null, head: null, status: 400 }))) as object;
    expect(Object.keys(none)).toEqual(['time', ...Object.keys(rest)]);
  });

  test('is plain ASCII in one line, whatever is sent', () => {
    const line = compileAccessLogFormat('json');
    assert(
      property(string({ unit: 'binary' }), (value) => {
        const request = fakeRequest({ fields: ['User-Agent', value] });
        const text = line(fakeFinish({ request }));
        expect(text).toMatch(/^\{[ -~]*\}\n$/);
        expect((JSON.parse(text) as { userAgent: string }).userAgent).toBe(value);
      }),
    );
  });
});
