/**
 * The requests that nginx and xgi are asked, made of tables: each value with each.
 *
 * In a field, `{etag}` stands for the entity tag that the asked server gives the target, `{weak}` for the same as a weak one, `{gzip}` for
 * that of its compressed form.
 */
import { ENDINGS, LARGE, SMALL } from './site.js';

export interface Case {
  readonly group: 'conditions' | 'dates' | 'tags' | 'ranges' | 'negotiation' | 'methods' | 'paths' | 'types';
  readonly method: string;
  readonly target: string;
  /** `Name: value` */
  readonly fields: readonly string[];
}

/** Of all files of the site. */
const SAME = 'Wed, 01 Jan 2020 12:00:00 GMT';
const EARLIER = 'Tue, 01 Jan 2019 00:00:00 GMT';
const LATER = 'Fri, 01 Jan 2021 00:00:00 GMT';

export function makeCases(): Case[] {
  const all = [
    ...conditions(),
    ...dates(),
    ...tags(),
    ...ranges(),
    ...negotiation(),
    ...methods(),
    ...paths(),
    ...types(),
  ];
  // Of an empty file some ranges are the same.
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** RFC 9110 section 13.2.2: every order of events. */
function conditions(): Case[] {
  const fields = product(
    named('If-Match', ['{etag}', '"other"', '*']),
    named('If-Unmodified-Since', [EARLIER, SAME, LATER]),
    named('If-None-Match', ['{etag}', '{weak}', '"other"', '*']),
    named('If-Modified-Since', [EARLIER, SAME, LATER]),
  );
  const withRange = product(
    named('If-Match', ['{etag}', '"other"']),
    named('If-None-Match', ['{etag}', '"other"']),
    named('If-Range', ['{etag}', '"other"']),
    ['Range: bytes=0-9', 'Range: bytes=9999999-'],
  );
  return [
    ...fields.map((lines) => get('conditions', SMALL.target, lines)),
    ...withRange.map((lines) => get('conditions', LARGE.target, lines)),
    ...product(named('If-Match', ['{etag}', '"other"']), named('If-None-Match', ['{etag}', '"other"'])).map(
      (lines): Case => ({ group: 'conditions', method: 'HEAD', target: LARGE.target, fields: lines }),
    ),
  ];
}

function dates(): Case[] {
  const values = [
    'Wednesday, 01-Jan-20 12:00:00 GMT',
    'Wed Jan  1 12:00:00 2020',
    'wed, 01 jan 2020 12:00:00 gmt',
    'Mon, 01 Jan 2020 12:00:00 GMT',
    '01 Jan 2020 12:00:00 GMT',
    'Wed, 1 Jan 2020 12:00:00 GMT',
    'Wed, 01 Jan 2020 12:00:00 UTC',
    'Wed, 01 Jan 2020 12:00:00 +0000',
    'Wed, 01 Jan 2020 12:00 GMT',
    'Wed, 01 Jan 2020 12:00:00',
    'Wed, 01 Jan 2020 24:00:00 GMT',
    'Wed, 01 Jan 2020 12:60:00 GMT',
    'Wed, 01 Jan 2020 12:00:60 GMT',
    'Wed, 31 Jun 2020 12:00:00 GMT',
    'Wed, 01 Foo 2020 12:00:00 GMT',
    '2020-01-01T12:00:00Z',
    '1577880000',
    '0',
    'Wed, 31 Dec 1969 23:59:59 GMT',
    'Fri, 31 Dec 9999 23:59:59 GMT',
    `${SAME}; length=1000`,
    `"${SAME}"`,
    'yesterday',
  ];
  return product(
    ['If-Modified-Since', 'If-Unmodified-Since'].flatMap((name) =>
      values.map((value) => `${name}: ${value}`),
    ),
  ).map((lines) => get('dates', SMALL.target, lines));
}

function tags(): Case[] {
  const values = [
    '{weak}',
    '"other", {etag}',
    '{etag},"other"',
    'W/"other" , {weak}',
    ', {etag} ,,',
    '"other","another"',
    '*, {etag}',
    '"*"',
    '"a,b", {etag}',
    '"other" {etag}',
    'w/"other"',
    'other',
    '""',
    '"',
    ',',
  ];
  return product(
    ['If-Match', 'If-None-Match'].flatMap((name) => values.map((value) => `${name}: ${value}`)),
  ).map((lines) => get('tags', SMALL.target, lines));
}

function ranges(): Case[] {
  return [SMALL, LARGE, { target: '/empty.txt', size: 0 }].flatMap(({ target, size }) =>
    product(
      rangesOf(size).map((value) => `Range: ${value}`),
      named('If-Range', [
        '{etag}',
        '{weak}',
        '"other"',
        SAME,
        EARLIER,
        LATER,
        'Wed Jan  1 12:00:00 2020',
        'garbage',
      ]),
    ).map((lines) => get('ranges', target, lines)),
  );
}

function rangesOf(size: number): string[] {
  const single = ['0-0', '0-', '10-19', '-1', '-10', '-0', `-${size}`, `-${size + 1}`, `0-${size}`];
  const end = [`${size}-`, `${size}-${size + 9}`, `${Math.max(0, size - 1)}-`, `0-${Math.max(0, size - 1)}`];
  const several = [
    '0-9,300-309',
    '300-309,0-9',
    '0-9,20-29',
    '0-99,50-149',
    '0-99,100-199',
    '0-,0-',
    '0-9,-10',
  ];
  const partly = [
    `0-9,${size}-`,
    `${size}-,${size + 9}-`,
    '0-9,a',
    '0-9,9-5',
    '0-9,',
    ',0-9',
    '0-9 , 300-309',
    '0-9,-0',
  ];
  const malformed = ['', '-', '5-2', 'a-b', '0', '0x1-2', '+1-2', '1.0-2', '0 - 9', ' 0-9', '0-9;x', '--1'];
  const huge = ['0-99999999999999999999', '99999999999999999999-', '-99999999999999999999'];
  const many = [8, 40].map((count) => Array.from({ length: count }, (_, i) => `${i * 2}-${i * 2}`).join(','));
  return [
    ...[...single, ...end, ...several, ...partly, ...malformed, ...huge, ...many].map(
      (list) => `bytes=${list}`,
    ),
    ...['BYTES=0-9', 'bytes =0-9', 'bytes', 'bytes 0-9', 'seconds=0-9', 'none', '=0-9'],
  ];
}

function negotiation(): Case[] {
  const accepted = [
    ...[
      'gzip',
      'GZIP',
      'x-gzip',
      'gzip, br',
      'br',
      'zstd',
      'br, zstd',
      'deflate',
      'identity',
      '*',
      'gzip,*;q=0',
    ],
    ...[
      'gzip;q=0',
      'gzip;q=0.0',
      'gzip;q=0.001',
      'gzip;q=1.0',
      'gzip;q=0.5, identity;q=0.5',
      'gzip; q=1',
      'gzip ;q=1',
    ],
    ...[
      'gzip;q=0.1, identity',
      'identity;q=0',
      'identity;q=0, gzip',
      '*;q=0',
      'gzip;q=2',
      'gzip;q=',
      'gzip;q=a',
      'gzip;x=1',
    ],
    ...[
      'gzipped',
      'agzip',
      'deflate, gzip;q=0.5',
      'br;q=0.1, gzip;q=1',
      'zstd;q=0.2, br;q=0.1, gzip;q=0',
      ',gzip',
      '',
    ],
  ];
  const targets = ['/coded.js', '/all.css', '/text.txt', '/only.js', '/coded/', '/coded.js.gz'];
  return [
    ...targets.flatMap((target) =>
      product(named('Accept-Encoding', accepted)).map((lines) => get('negotiation', target, lines)),
    ),
    ...['/coded.js', '/large.js'].flatMap((target) =>
      product(
        ['Accept-Encoding: gzip', ''],
        named('If-None-Match', ['{etag}', '{gzip}']),
        named('If-Match', ['{etag}', '{gzip}']),
        named('Range', ['bytes=2-5', 'bytes=9999999-']),
        named('If-Range', ['{etag}', '{gzip}']),
      ).map((lines) => get('negotiation', target, lines)),
    ),
    ...targets.map((target): Case => ({
      group: 'negotiation',
      method: 'HEAD',
      target,
      fields: ['Accept-Encoding: gzip'],
    })),
  ];
}

function methods(): Case[] {
  const all = [
    'HEAD',
    'OPTIONS',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'TRACE',
    'PROPFIND',
    'BREW',
    'get',
    'Head',
  ];
  const targets = [SMALL.target, LARGE.target, '/', '/sub', '/bare/', '/missing', '/sub/../text.txt'];
  const fields = [[], ['Range: bytes=0-9'], ['If-None-Match: {etag}'], ['If-Match: "other"']];
  return targets.flatMap((target) =>
    all.flatMap((method) =>
      (method === 'HEAD' || target === SMALL.target ? fields : [[]]).map((lines): Case => ({
        group: 'methods',
        method,
        target,
        fields: lines,
      })),
    ),
  );
}

const TARGETS = [
  ...[
    '/',
    '/text.txt',
    '/sub',
    '/sub/',
    '/sub/text.txt',
    '/bare',
    '/bare/',
    '/bare/text.txt',
    '/hollow',
    '/hollow/',
  ],
  ...[
    '/missing',
    '/missing/',
    '/link.txt',
    '/linked',
    '/linked/',
    '/linked/text.txt',
    '/out.txt',
    '/out',
    '/out/',
    '/out/text.txt',
  ],
  ...[
    '/dangling.txt',
    '/loop.txt',
    '/pipe.txt',
    '/locked.txt',
    '/.hidden',
    '/.hid',
    '/.hid/text.txt',
    '/.well-known/text.txt',
  ],
  ...[
    '/gr%C3%BC%C3%9Fe.txt',
    '/gr%c3%bc%c3%9fe.txt',
    '/gr\xc3\xbc\xc3\x9fe.txt',
    '/gr%FC%DFe.txt',
    '/a%20b.txt',
    '/a+b.txt',
  ],
  ...['/a+b;c=d&e.txt', '/a%2Bb%3Bc%3Dd%26e.txt', '/100%25.txt', '/100%.txt', '/empty.txt', '/only.js'],
] as const;

const MUTATIONS: readonly ((target: string) => string)[] = [
  (target) => target,
  (target) => `${target}/`,
  (target) => `${target}//`,
  (target) => `/${target}`,
  (target) => target.replaceAll('/', '//'),
  (target) => `${target}?`,
  (target) => `${target}?a=/../b`,
  (target) => `/.${target}`,
  (target) => `/sub/..${target}`,
  (target) => `/..${target}`,
  (target) => `${target}/.`,
  (target) => `${target}/..`,
  (target) => `${target}/../text.txt`,
  (target) => `/%2e${target}`,
  (target) => `/sub/%2E%2e${target}`,
  (target) => `/%2e%2e${target}`,
  (target) => `/${target.slice(1).replaceAll('/', '%2f')}`,
  (target) => `/sub%2F..${target}`,
  (target) => `/sub/..%5c${target}`,
  (target) => `/sub\\..${target}`,
  (target) => `${target}%00`,
  (target) => `${target}%00.html`,
  (target) => `${target}%0a`,
  (target) => `${target}%7f`,
  (target) => `${target}%`,
  (target) => `${target}%2`,
  (target) => `${target}%zz`,
  (target) => `${target}%c0%af`,
  (target) => `${target}%20`,
  (target) => `${target}.`,
  (target) => `${target};a=b`,
  (target) => `${target}~`,
  (target) => target.toUpperCase(),
  (target) => target.replaceAll(/[a-z](?=[^%]*$)/g, encoded),
  (target) => target.replaceAll('t', '%2574'),
  (target) => `/types/../sub/../${target.slice(1)}`,
  (target) => `/missing/..${target}`,
  (target) => `/text.txt/..${target}`,
  (target) => `${target}${'/'.repeat(40)}`,
  (target) => `${target}/${'a'.repeat(300)}`,
];

function paths(): Case[] {
  const targets = TARGETS.flatMap((target) => MUTATIONS.map((mutate) => mutate(target)));
  return [...new Set(targets)].map((target) => get('paths', target));
}

function encoded(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16)}`;
}

function types(): Case[] {
  return [...ENDINGS.map((ending) => `/types/name.${ending}`), '/types/html', '/'].map((target) =>
    get('types', target),
  );
}

function get(group: Case['group'], target: string, fields: readonly string[] = []): Case {
  return { group, method: 'GET', target, fields };
}

/** Lines of that field; '' is a request without it. */
function named(name: string, values: readonly string[]): string[] {
  return ['', ...values.map((value) => `${name}: ${value}`)];
}

/** One of each table, in all combinations. */
function product(...tables: readonly (readonly string[])[]): string[][] {
  return tables
    .reduce<string[][]>((made, table) => made.flatMap((lines) => table.map((line) => [...lines, line])), [[]])
    .map((lines) => lines.filter((line) => line !== ''));
}
