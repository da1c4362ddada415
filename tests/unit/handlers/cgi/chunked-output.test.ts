import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../../src/errors.js';
import { ChunkedOutput } from '../../../../src/handlers/cgi/chunked-output.js';

/** The content, and whether the last chunk has come. */
function read(pieces: readonly Buffer[]): { content: string; isComplete: boolean } {
  const output = new ChunkedOutput();
  let content = '';
  for (const piece of pieces) {
    for (const part of output.push(Buffer.from(piece))) content += part.toString('latin1');
  }
  return { content, isComplete: output.isComplete };
}

function refusal(pieces: readonly Buffer[]): unknown {
  try {
    read(pieces);
  } catch (error) {
    return error;
  }
  return undefined;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const single = (all: Buffer): Buffer[] => Array.from(all, (_, i) => all.subarray(i, i + 1));
const splits = (all: Buffer): Buffer[][] =>
  Array.from(all, (_, i) => [all.subarray(0, i), all.subarray(i)]).slice(1);

const VALID: readonly (readonly [name: string, body: string, content: string])[] = [
  ['nothing', '0\r\n\r\n', ''],
  ['one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['several', '1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n', 'abcdef'],
  [
    'sizes with zeros and in both cases',
    '0000a\r\n0123456789\r\n0A\r\nabcdefghij\r\n000\r\n\r\n',
    '0123456789abcdefghij',
  ],
  ['content that looks like framing', '7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n', '0\r\n\r\n\r\n'],
  ['bytes of all kinds', '4\r\n\0\xff\r\n\r\n0\r\n\r\n', '\0\xff\r\n'],
  ['extensions', '3;a;b=c;d="e\\"f;"\r\nabc\r\n0;last\r\n\r\n', 'abc'],
  ['a trailer, which is dropped', '1\r\na\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n', 'a'],
  ['a trailer whose lines end in LF', '1\r\na\r\n0\r\nX-Sum: 1\n\n', 'a'],
  ['something behind the end, which is dropped', '1\r\na\r\n0\r\n\r\n5\r\nhello\r\n', 'a'],
];

describe.each(VALID)('a body of %s', (_name, body, content) => {
  test('whole', () => {
    expect(read([bytes(body)])).toEqual({ content, isComplete: true });
  });

  test('byte by byte', () => {
    expect(read(single(bytes(body)))).toEqual({ content, isComplete: true });
  });

  test('split at each offset', () => {
    for (const [before, after] of splits(bytes(body)))
      expect(read([before!, after!]), `split at ${before!.length}`).toEqual({ content, isComplete: true });
  });
});

test('is not complete before its last byte has come', () => {
  const body = bytes('5\r\nhello\r\n0\r\nX: 1\r\n\r\n');
  for (const [before] of splits(body)) expect(read([before!]).isComplete, before!.toString()).toBe(false);
});

test('a chunk is passed on as it comes, not collected', () => {
  const output = new ChunkedOutput();
  expect(output.push(bytes('a\r\n01234')).map(String)).toEqual(['01234']);
  expect(output.push(bytes('567')).map(String)).toEqual(['567']);
  expect(output.push(bytes('89\r\n3\r\nabc\r')).map(String)).toEqual(['89', 'abc']);
});

test('many small chunks in one piece', () => {
  const body = bytes(`${'1\r\nx\r\n'.repeat(10_000)}0\r\n\r\n`);
  expect(read([body])).toEqual({ content: 'x'.repeat(10_000), isComplete: true });
});

describe.each([
  ['no size', '\r\n'],
  ['a size that is none', 'x\r\nhello\r\n'],
  ['a negative size', '-1\r\n'],
  ['a size with 0x', '0x5\r\nhello\r\n'],
  ['a size with a sign', '+5\r\nhello\r\n'],
  ['a size with a space before it', ' 5\r\nhello\r\n'],
  ['a size with a space behind it', '5 \r\nhello\r\n'],
  ['a size that no double holds', '10000000000000\r\n'],
  ['a size line that ends in LF', '5\nhello\r\n'],
  ['a size line that ends in CR', '5\rhello\r\n'],
  ['a broken extension', '5;=\r\nhello\r\n'],
  ['a control character in an extension', '5;a=\0\r\nhello\r\n'],
  ['a chunk that is longer than its size', '4\r\nhello\r\n'],
  ['a chunk that ends in LF', '5\r\nhello\n0\r\n\r\n'],
  ['an endless size line', '5;'.padEnd(400, 'a')],
  ['an endless trailer line', `0\r\nX: ${'a'.repeat(9000)}`],
  ['an endless trailer', `0\r\n${'X: a\r\n'.repeat(2000)}`],
])('corrupt: %s', (_name, body) => {
  test('is refused whole, byte by byte and split at each offset', () => {
    const all = bytes(body);
    const isRefusal: unknown = expect.objectContaining({ status: 502, code: 'XGI_CGI_BAD_CHUNK' });
    expect(refusal([all])).toEqual(isRefusal);
    expect(refusal(single(all))).toBeInstanceOf(GatewayError);
    for (const split of splits(all).slice(0, 500)) expect(refusal(split)).toBeInstanceOf(GatewayError);
  });
});

test('random bytes are refused or wait for more, and never loop', () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 16;
  for (let round = 0; round < 2000; round++) {
    const noise = Buffer.from(
      Array.from({ length: 30 }, () => '0159af;\r\n\r\n \0'.charCodeAt(random() % 13)),
    );
    const error = refusal([noise.subarray(0, 11), noise.subarray(11)]);
    if (error !== undefined) expect(error).toBeInstanceOf(GatewayError);
  }
});
