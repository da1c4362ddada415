import * as fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import {
  forwardedClient,
  forwardedScheme,
  parseTrustedProxies,
  readForwarding,
  withoutForwarding,
} from '../../../src/http/forwarded.js';
import { quickest } from '../../support/quickest.js';

describe('parseTrustedProxies', () => {
  test.each<[string, string, boolean]>([
    ['', '127.0.0.1', false],
    ['', '', false],
    [' , ', '127.0.0.1', false],
    ['*', '203.0.113.9', true],
    ['*', '', true],
    ['127.0.0.1', '', true],
    ['127.0.0.1,::1', '127.0.0.1', true],
    ['127.0.0.1, ::1', '::1', true],
    ['127.0.0.1,::1', '127.0.0.2', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['0.0.0.0/0', '198.51.100.1', true],
    ['127.0.0.1', 'not an address', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['127.0.0.1', 'fe80::1%eth0', false],
  ])('%j trusts %j: %s', (text, address, expected) => {
    const proxies = parseTrustedProxies(text);
    expect(proxies.trusts(address)).toBe(expected);
    // The last answer is remembered; another address must not get it.
    expect(proxies.trusts('192.0.2.77')).toBe(text === '*' || text.startsWith('0.0.0.0'));
    expect(proxies.trusts(address)).toBe(expected);
  });

  test.each([
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::1/129',
    '10.0.0',
    '1.2.3.4 5.6.7.8',
    '[::1]',
    '10.0.0.0/ 8',
  ])('%j is refused', (text) => {
    expect(() => parseTrustedProxies(text)).toThrow(ConfigError);
  });
});

describe('forwardedClient', () => {
  const proxies = parseTrustedProxies('10.0.0.0/8,::1');

  test.each<[string, string | undefined]>([
    ['203.0.113.1', '203.0.113.1'],
    ['1.1.1.1, 203.0.113.1', '203.0.113.1'],
    ['203.0.113.1, 10.0.0.1, 10.0.0.2', '203.0.113.1'],
    ['1.1.1.1,203.0.113.1,10.0.0.1', '203.0.113.1'],
    // All are proxies of ours: the first is as far as is known.
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['203.0.113.1:1234', '203.0.113.1'],
    ['[2001:db8::1]:1234', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    // Each address in one form.
    ['[2001:DB8:0:0::1]', '2001:db8::1'],
    ['::ffff:203.0.113.1', '203.0.113.1'],
    ['::FFFF:cb00:7101', '203.0.113.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', undefined],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['203.0.113.1, ', undefined],
    ['203.0.113.1, unknown, 10.0.0.1', '10.0.0.1'],
    ['<script>, 10.0.0.1', '10.0.0.1'],
    ['203.0.113.1\t', '203.0.113.1'],
    ['999.0.0.1', undefined],
    ['[::1', undefined],
    ['127.1', undefined],
  ])('%j gives %j', (values, expected) => {
    expect(forwardedClient(values, proxies)).toBe(expected);
  });

  test('gives an address or nothing, whatever it is given, in no time', async () => {
    const tookMs = await quickest(3, () => {
      for (const filler of [',', ' ', '10.0.0.1,', '[', ':', '1.', 'fe80::1%a,']) {
        const client = forwardedClient(filler.repeat(Math.floor(8190 / filler.length)), proxies);
        expect(client === undefined || isIP(client) !== 0).toBe(true);
      }
    });
    expect(tookMs).toBeLessThan(500);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:,[] %/\xff') }), (values) => {
        const client = forwardedClient(values, proxies);
        expect(client === undefined || isIP(client) !== 0).toBe(true);
      }),
      { seed: 20_260_105, numRuns: 2000 },
    );
  });

  test('what a client puts in front changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (forged) => {
        expect(forwardedClient(`${forged}, 203.0.113.1, 10.0.0.1`, proxies)).toBe('203.0.113.1');
      }),
      { seed: 20_260_106, numRuns: 500 },
    );
  });
});

describe('forwardedScheme', () => {
  test.each<[string, 'http' | 'https' | undefined]>([
    ['https', 'https'],
    ['HTTPS', 'https'],
    ['http', 'http'],
    ['https, http', 'http'],
    ['http,https ', 'https'],
    ['', undefined],
    ['https,', undefined],
    ['ftp', undefined],
    ['https;', undefined],
  ])('%j gives %j', (values, expected) => {
    expect(forwardedScheme(values)).toBe(expected);
  });
});

describe('Forwarded', () => {
  const proxies = parseTrustedProxies('10.0.0.0/8');
  const read = (...values: string[]) =>
    readForwarding(
      values.flatMap((value) => ['Forwarded', value]),
      proxies,
    );

  test.each<[string[], string | undefined, 'http' | 'https' | undefined]>([
    [['for=192.0.2.43'], '192.0.2.43', undefined],
    [['For="[2001:db8:cafe::17]:4711"'], '2001:db8:cafe::17', undefined],
    [['for=192.0.2.60;proto=http;by=203.0.113.43'], '192.0.2.60', 'http'],
    [['for=192.0.2.60 ; proto=HTTPS'], '192.0.2.60', 'https'],
    [['for="192.0.2.43:47011"'], '192.0.2.43', undefined],
    [['for=1.2.3.4, for=198.51.100.17'], '198.51.100.17', undefined],
    [['for=1.2.3.4, for=198.51.100.17, for=10.1.1.1'], '198.51.100.17', undefined],
    [['for=1.2.3.4', 'for=198.51.100.17'], '198.51.100.17', undefined],
    [['for=1.2.3.4;proto=https, for=198.51.100.17;proto=http'], '198.51.100.17', 'http'],
    [['for=1.2.3.4;proto=https, for=198.51.100.17'], '198.51.100.17', undefined],
    [['for=1.2.3.4, for=unknown'], undefined, undefined],
    [['for=1.2.3.4, for=_hidden, for=10.1.1.1'], '10.1.1.1', undefined],
    [['for="192.0.2.\\43"'], '192.0.2.43', undefined],
    [['proto=javascript'], undefined, undefined],
    // Parameters and members may be empty (RFC 7239 section 4, RFC 9110 section 5.6.1); an entry that says nothing ends the way.
    [['for=1.2.3.4;;proto=http;'], '1.2.3.4', 'http'],
    [['for=1.2.3.4, for=198.51.100.17,'], undefined, undefined],
    [['for=198.51.100.17, ,for=10.1.1.1'], '10.1.1.1', undefined],
    [[''], undefined, undefined],
    [[' ; '], undefined, undefined],
    // What a client has put in front of the entry of the proxy.
    [['rubbish, for=198.51.100.17'], '198.51.100.17', undefined],
    [['for=[::1], for=198.51.100.17;proto=http'], '198.51.100.17', 'http'],
    [['for=1.2.3.4;for=1.2.3.4, for=198.51.100.17'], '198.51.100.17', undefined],
    [['for="1.2.3.4, for=198.51.100.17'], '198.51.100.17', undefined],
    [['for="1.2.3.4', 'for=198.51.100.17'], '198.51.100.17', undefined],
    [['for="\\, for=198.51.100.17'], '198.51.100.17', undefined],
    [['for="1.2.3.4, for="198.51.100.17:80"'], '198.51.100.17', undefined],
    [['x="for="1.2.3.4", for="198.51.100.17";y="z"'], '198.51.100.17', undefined],
    [['", for="198.51.100.17", for=10.1.1.1'], '198.51.100.17', undefined],
    // What a client has said, and the proxy has put into quotes.
    [['for=198.51.100.17;host="a, for=6.6.6.6"'], '198.51.100.17', undefined],
    [['for=198.51.100.17;host="a\\", for=6.6.6.6;b=\\"c"'], '198.51.100.17', undefined],
    [['for=198.51.100.17;host="\\\\\\", for=6.6.6.6;b=\\\\"'], '198.51.100.17', undefined],
    [['for=198.51.100.17;host=", for=6.6.6.6;x=", for="10.1.1.1"'], '198.51.100.17', undefined],
    [['for=198.51.100.17;host="\\\\"'], '198.51.100.17', undefined],
  ])('%j: %s %s', (values, client, scheme) => {
    expect(read(...values)).toEqual({ client, scheme });
  });

  test.each([
    ['for=1.2.3.4;for=198.51.100.17'],
    ['for=1.2.3.4 proto=http'],
    ['for="1.2.3.4'],
    ['for=1.2.3.4"'],
    ['for="1.2.3.4\\"'],
    ['for=\\"1.2.3.4"'],
    ['"'],
    ['for=[::1]'],
    ['for=198.51.100.17:80'],
    ['for'],
    ['for='],
    ['=a'],
    ['rubbish, for=10.1.1.1'],
    ['for="1.2.3.4, for=10.1.1.1'],
    ['for=198.51.100.17', 'rubbish'],
  ])('%j %j: the entry that counts cannot be read', (...values) => {
    expect(() => read(...values)).toThrow(
      expect.objectContaining({ status: 400, code: 'XGI_HTTP_FORWARDED' }),
    );
  });

  test('whatever a client puts in front, the entry of the proxy is read', () => {
    const entries = [
      'for=198.51.100.17',
      'For="198.51.100.17:9";host="a,\\"b, for=6.6.6.6"',
      'x="";for=198.51.100.17;',
    ];
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'for=1.2"\\,; \t[]:') }),
        fc.constantFrom(...entries),
        fc.constantFrom(
          [', ', ''],
          [',', ''],
          [', ', ',for=10.1.1.1'],
          [', ', ', for="10.1.1.1";by="x,\\"y"'],
        ),
        (forged, entry, [before, behind]) => {
          expect(read(`${forged}${before}${entry}${behind}`).client).toBe('198.51.100.17');
          if (behind === '') expect(read(forged, entry).client).toBe('198.51.100.17');
        },
      ),
      { seed: 20_260_107, numRuns: 3000 },
    );
  });

  test('it has to agree with the others', () => {
    const both = (xff: string, xfp: string, forwarded: string) =>
      readForwarding(['X-Forwarded-For', xff, 'forwarded', forwarded, 'X-Forwarded-Proto', xfp], proxies);
    expect(both('192.0.2.1', 'https', 'for=192.0.2.1;proto=https')).toEqual({
      client: '192.0.2.1',
      scheme: 'https',
    });
    expect(both('192.0.2.1', 'https', 'for=unknown')).toEqual({ client: '192.0.2.1', scheme: 'https' });
    for (const forwarded of ['for=192.0.2.2', 'for=192.0.2.1;proto=http'])
      expect(() => both('192.0.2.1', 'https', forwarded)).toThrow(
        expect.objectContaining({ status: 400, code: 'XGI_HTTP_FORWARDED' }),
      );
  });

  test('whatever it holds, it is read or refused in little time', async () => {
    const readOrRefused = (text: string): void => {
      try {
        const { client } = read(text);
        expect(client === undefined || isIP(client) !== 0).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ status: 400, code: 'XGI_HTTP_FORWARDED' });
      }
    };
    const tookMs = await quickest(3, () => {
      for (const piece of [
        'for="',
        'for=a;',
        '\\"',
        '"',
        ' ',
        'for=10.2.3.4,',
        '=',
        ';',
        'a',
        ',',
        'for="10.2.3.4",',
      ])
        for (const end of ['', 'x', ' x', '"', '="'])
          readOrRefused(piece.repeat(60_000 / piece.length) + end);
    });
    expect(tookMs).toBeLessThan(1000);
    fc.assert(fc.property(fc.string(), readOrRefused));
  });
});

describe('withoutForwarding', () => {
  test.each([
    'Forwarded',
    'x-forwarded-for',
    'X-Forwarded-Proto',
    'X-FORWARDED-HOST',
    'X-Forwarded-Anything-Else',
    'X-Forwarded',
    'X-Real-IP',
    'Client-IP',
    'True-Client-IP',
    'Fastly-Client-IP',
    'X-Client-IP',
    'X-Cluster-Client-Ip',
    'CF-Connecting-IP',
    'cf-connecting-ipv6',
    'X-Original-Forwarded-For',
    'X-Scheme',
    'X-Url-Scheme',
    'Front-End-Https',
    'true_client_ip',
    'X_Forwarded_For',
    'x_real_ip',
  ])('%s', (name) => {
    expect(withoutForwarding(['Host', 'a', name, '1', 'Accept', '*/*', name, '2'])).toEqual([
      'Host',
      'a',
      'Accept',
      '*/*',
    ]);
  });

  test('other fields stay, in an array that is the same', () => {
    const fields = [
      'Host',
      'forwarded',
      'X-Forwardedness',
      'a',
      'From',
      'x-real-ip',
      'X-Request-Id',
      '1',
      'Not-Forwarded',
      '2',
      'Client-Ipp',
      '3',
      'Cookie',
      'client-ip',
      'X-Client-Ip-Note',
      '4',
      'Tip',
      '5',
    ];
    expect(withoutForwarding(fields)).toBe(fields);
  });
});
