import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/errors.js';
import { CgiHeadParser, describeMissingHead, type CgiHead } from '../../../src/gateway/cgi-head.js';

const SEED = 20_260_102;

interface Options {
  readonly nph?: boolean;
  readonly maxBytes?: number;
}

/** What comes of a head in these pieces: the rest is what comes behind it in all of them. */
function readPieces(pieces: readonly Buffer[], { nph = false, maxBytes }: Options = {}): unknown {
  const parser = new CgiHeadParser({ nph, ...(maxBytes === undefined ? {} : { maxBytes }) });
  for (const [i, piece] of pieces.entries()) {
    let head: CgiHead | undefined;
    try {
      head = parser.push(piece);
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
      const { status, code, message } = error as GatewayError;
      return { status, code, message };
    }
    if (head === undefined) continue;
    if (head.kind === 'local-redirect') return head;
    const rest = Buffer.concat([head.rest, ...pieces.slice(i + 1)]).toString('latin1');
    return { ...head, rest };
  }
  return parser.seen.toString('latin1');
}

function read(output: string, options?: Options): unknown {
  return readPieces([Buffer.from(output, 'latin1')], options);
}

function splits(output: string): Buffer[][] {
  const bytes = Buffer.from(output, 'latin1');
  const all = [Array.from(bytes, (byte) => Buffer.of(byte))];
  for (let i = 0; i <= bytes.length; i++) all.push([bytes.subarray(0, i), bytes.subarray(i)]);
  return all;
}

/** The same whole, byte by byte and split at each offset. */
function expectHead(output: string, expected: object, options?: Options): void {
  expect(read(output, options)).toEqual(expected);
  for (const pieces of splits(output)) expect(readPieces(pieces, options)).toEqual(expected);
}

function expectError(output: string, code: string, message: RegExp, options?: Options): void {
  const expected = { status: 502, code, message: expect.stringMatching(message) as string };
  expectHead(output, expected, options);
}

function document(changes: Partial<Extract<CgiHead, { kind: 'document' }>> | { rest: string }): object {
  return { kind: 'document', status: 200, reason: '', fields: [], rest: '', ...changes };
}

describe('a document', () => {
  test.each([
    ['LF', 'Content-Type: text/html\nX-A: 1\n\nbody\n\n'],
    ['CR LF', 'Content-Type: text/html\r\nX-A: 1\r\n\r\nbody\n\n'],
    ['mixed line ends', 'Content-Type: text/html\nX-A: 1\r\n\nbody\n\n'],
    ['mixed the other way', 'Content-Type: text/html\r\nX-A: 1\n\r\nbody\n\n'],
    ['white space around values', 'Content-Type:text/html\nX-A: \t 1 \t\n\nbody\n\n'],
  ])('with %s', (_what, output) => {
    expectHead(output, document({ fields: ['Content-Type', 'text/html', 'X-A', '1'], rest: 'body\n\n' }));
  });

  test.each([
    ['Status: 404 Not Found', 404, 'Not Found'],
    ['Status: 404', 404, ''],
    ['status:\t404 \t Nothing  here ', 404, 'Nothing  here'],
    ['STATUS: 200', 200, ''],
    ['Status: 599 caf\u00e9', 599, 'caf\u00e9'],
  ])('with %j', (line, status, reason) => {
    expectHead(`${line}\n\n`, document({ status, reason }));
    expectHead(
      `Content-Type: a/b\n${line}\nX-A: 1\n\n`,
      document({ status, reason, fields: ['Content-Type', 'a/b', 'X-A', '1'] }),
    );
  });

  test('keeps repeated fields in order, empty values, 8-bit values, Date and Server', () => {
    const fields = [
      'Set-Cookie',
      'a=1',
      'X-Empty',
      '',
      'set-cookie',
      'b=2',
      'X-Latin',
      'caf\u00e9\u0080',
      'Date',
      'today',
      'Server',
      'mine',
    ];
    const lines = ['Content-Type: a/b'];
    for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
    expectHead(`${lines.join('\n')}\n\n`, document({ fields: ['Content-Type', 'a/b', ...fields] }));
  });

  test.each([
    'X-CGI-Control: abort',
    'x-cgi-thing: 1',
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Transfer-Encoding: chunked',
    'TE: trailers',
    'Trailer: X',
    'Upgrade: h2c',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: close',
  ])('without %s, which is not for the client', (line) => {
    expectHead(`${line}\nContent-Type: a/b\n\n`, document({ fields: ['Content-Type', 'a/b'] }));
  });

  test('has its length, but not with 204', () => {
    expectHead('Status: 200\nContent-Length: 5\n\n', document({ fields: ['Content-Length', '5'] }));
    expectHead(
      'Status: 204\nX-A: Content-Length\nContent-Length: 5\n\n',
      document({ status: 204, fields: ['X-A', 'Content-Length'] }),
    );
  });
});

describe('Location', () => {
  test.each([
    ['/there', '/there', ''],
    ['/there?', '/there', ''],
    ['/there?a=b?c', '/there', 'a=b?c'],
    ['/a%20b/caf\u00c3\u00a9', '/a%20b/caf\u00c3\u00a9', ''],
    ['/', '/', ''],
  ])('%s alone is a local redirect', (location, path, query) => {
    expectHead(`Location: ${location}\n\n`, { kind: 'local-redirect', path, query });
    expectHead(
      `X-CGI-A: 1\nlocation:${location}\nDate: x\r\nServer: y\nConnection: close\nContent-Length: 0\n\nignored`,
      { kind: 'local-redirect', path, query },
    );
  });

  test.each([
    ['another server', 'http://h.example/a b'],
    ['another server, with this scheme', '//h.example/'],
    ['a relative reference', 'next.html'],
    ['a fragment, which only the client can follow', '/there#part'],
  ])('%s is a redirect of the client', (_what, location) => {
    expectHead(`Location: ${location}\n\n`, document({ status: 302, fields: ['Location', location] }));
  });

  test.each(['Content-Type: text/html', 'Set-Cookie: session=1', 'X-A: 1', 'Content-Length: 7'])(
    'a path and %s: the client is sent there, and no field is lost',
    (line) => {
      const fields = ['Location', '/there', ...line.split(': ')];
      expectHead(`Location: /there\n${line}\n\nrest`, document({ status: 302, fields, rest: 'rest' }));
    },
  );

  test.each([
    ['301 Moved Permanently', 301, 'Moved Permanently'],
    ['303', 303, ''],
    ['201 Created', 201, 'Created'],
    ['200', 200, ''],
  ])('with Status: %s', (line, status, reason) => {
    for (const location of ['/there', 'http://h.example/'])
      expectHead(
        `Status: ${line}\nLocation: ${location}\n\n`,
        document({ status, reason, fields: ['Location', location] }),
      );
  });
});

describe('nph', () => {
  const NPH = { nph: true };
  test.each([
    ['HTTP/1.1 200 OK', 200, 'OK'],
    ['HTTP/1.0 404 Not  Found', 404, 'Not  Found'],
    ['HTTP/1.1 301', 301, ''],
    ['HTTP/1.1 301 ', 301, ''],
  ])('%s', (line, status, reason) => {
    const fields = ['Location', '/there', 'Status', 'as it is', 'Content-Length', '4'];
    const output = `${line}\r\nLocation: /there\r\nStatus: as it is\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody`;
    expectHead(output, { kind: 'nph', status, reason, fields, chunked: false, rest: 'body' }, NPH);
  });

  test('needs no field', () => {
    expectHead(
      'HTTP/1.1 200 OK\n\n',
      { kind: 'nph', status: 200, reason: 'OK', fields: [], chunked: false, rest: '' },
      NPH,
    );
  });

  test('chunks count themselves', () => {
    const output =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9\r\nX-A: 1\r\n\r\n0\r\n\r\n';
    const expected = {
      kind: 'nph',
      status: 200,
      reason: 'OK',
      fields: ['X-A', '1'],
      chunked: true,
      rest: '0\r\n\r\n',
    };
    expectHead(output, expected, NPH);
  });

  test.each([
    ['Content-Type: text/html\n\n', /nph-/],
    ['HTTP/2 200\n\n', /nph-/],
    ['HTTP/1.1 100 Continue\n\n', /200 to 599/],
    ['HTTP/1.1 200\tOK\n\n', /nph-/],
    ['HTTP/1.1 200 O\rK\n\n', /nph-/],
    ['\n', /before its status line/],
    ['HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n', /expected chunked/],
    ['HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n', /twice/],
  ])('%j is refused', (output, message) => {
    expectError(output, 'XGI_CGI_BAD_HEAD', message, NPH);
  });
});

describe('what is no head', () => {
  const BEFORE = /"Hello": the program printed this before its head: a head begins with Content-Type/;
  test.each<[string, string, RegExp]>([
    ['text', 'Hello\nContent-Type: a/b\n\n', BEFORE],
    ['text in CR LF', 'Hello\r\n', BEFORE],
    ['text with a colon', 'Error in file: x\n', /printed this before its head/],
    [
      'text after a field',
      'Content-Type: a/b\n<html>\n',
      /"<html>": it is not a field, and the empty line .* \(line 2\)/,
    ],
    ['a status line', 'HTTP/1.1 200 OK\n\n', /nph-/],
    ['an empty line first', '\nContent-Type: a/b\n\n', /an empty line comes first/],
    ['an empty line first, CR LF', '\r\n', /an empty line comes first/],
    ['no CGI field', 'X-A: 1\r\nX-B: 2\n\n', /none of Content-Type, Location and Status .* "X-A: 1"/],
    ['only fields that are dropped', 'Connection: close\n\n', /none of/],
    ['a folded field', 'Content-Type: a/b\n charset=x\n\n', /cannot be continued/],
    ['a folded field, HTAB', 'Content-Type: a/b\n\tcharset=x\n\n', /cannot be continued/],
    ['white space before the name', ' Content-Type: a/b\n\n', /before its head/],
    ['white space behind the name', 'Content-Type : a/b\n\n', /before its head/],
    ['an empty name', 'Content-Type: a/b\n: x\n\n', /not a field/],
    ['an 8-bit name', 'Caf\u00e9: x\n\n', /before its head/],
    ['CR in a value', 'Content-Type: a/b\rX-A: 1\n\n', /control character/],
    ['CR CR LF', 'Content-Type: a/b\r\r\n\r\n', /control character/],
    ['CR alone as an empty line', 'Content-Type: a/b\n\r\r\n', /not a field/],
    ['NUL in a value', 'Content-Type: a\0b\n\n', /control character/],
    ['DEL in a value', 'Content-Type: a\x7fb\n\n', /control character/],
    ['two Content-Type', 'Content-Type: a/b\ncontent-type: a/b\n\n', /twice/],
    ['two Location', 'Location: /a\nLocation: /b\n\n', /twice/],
    ['two Status', 'Status: 200\nStatus: 200\n\n', /twice/],
    ['two Content-Length', 'Status: 200\nContent-Length: 1\nContent-Length: 1\n\n', /twice/],
    ['a signed Content-Length', 'Status: 200\nContent-Length: +1\n\n', /digits/],
    ['a list of Content-Length', 'Status: 200\nContent-Length: 1, 1\n\n', /digits/],
    ['an empty Content-Length', 'Status: 200\nContent-Length:\n\n', /digits/],
    ['a Content-Length beyond all files', 'Status: 200\nContent-Length: 9999999999999999\n\n', /digits/],
    ['an interim status', 'Status: 103 Early Hints\n\n', /200 to 599/],
    ['101', 'Status: 101 Switching Protocols\nUpgrade: x\n\n', /200 to 599/],
    ['a status above 599', 'Status: 600\n\n', /200 to 599/],
    ['a status of two digits', 'Status: 20\n\n', /200 to 599/],
    ['a status of four digits', 'Status: 2000\n\n', /200 to 599/],
    ['a status in words', 'Status: OK\n\n', /200 to 599/],
    ['an empty Status', 'Status:\n\n', /200 to 599/],
    ['a status line as Status', 'Status: HTTP/1.1 200 OK\n\n', /200 to 599/],
    ['an empty Location', 'Location:\n\n', /expected a URL/],
    ['a local path with a space', 'Location: /a b\n\n', /%20/],
  ])('%s', (_what, output, message) => {
    expectError(output, 'XGI_CGI_BAD_HEAD', message);
  });

  test('a long line is cut in the message, and cannot steer a terminal', () => {
    const output = `\x1b[2J\x9b2J"${'x'.repeat(200)}\n`;
    const { message } = read(output) as { message: string };
    expect(message).toContain(String.raw`"\u001b[2J`);
    expect(message).toContain(`x"...`);
    expect(message.length).toBeLessThan(400);
    // oxlint-disable-next-line no-control-regex
    expect(message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });

  test('UTF-8 is shown as it is', () => {
    const output = Buffer.from('caf\u00e9 \u2013 not a head\n').toString('latin1');
    expectError(output, 'XGI_CGI_BAD_HEAD', /"caf\u00e9 \u2013 not a head"/);
  });
});

describe('the limit', () => {
  const HEAD = 'Content-Type: a/b\n\n';
  test('is for the head with its empty line, and not for the document', () => {
    expectHead(
      `${HEAD}${'x'.repeat(50)}`,
      document({ fields: ['Content-Type', 'a/b'], rest: 'x'.repeat(50) }),
      { maxBytes: HEAD.length },
    );
    expectError(HEAD, 'XGI_CGI_HEAD_TOO_LARGE', /longer than 18 bytes.*begins with "Content-Type: a\/b"/, {
      maxBytes: HEAD.length - 1,
    });
  });

  test('is 64 KiB', () => {
    const line = `Content-Type: a/b\nX-A: ${'x'.repeat(65_536 - 26)}`;
    expect(read(`${line}\n\n\n\n`)).toHaveProperty('kind', 'document');
    expect(read(`${line}xxxx\n\n`)).toHaveProperty('code', 'XGI_CGI_HEAD_TOO_LARGE');
    expect(read('x'.repeat(1e6))).toMatchObject({
      code: 'XGI_CGI_HEAD_TOO_LARGE',
      message: expect.stringContaining('"xxx') as string,
    });
  });

  test('a head of blanks takes no quadratic time', () => {
    const before = performance.now();
    const output = `Content-Type: a${' '.repeat(65_000)}b\n\n`;
    expect(read(output)).toHaveProperty('kind', 'document');
    expect(performance.now() - before).toBeLessThan(500);
  });
});

test('seen is the head so far, and never the document', () => {
  const parser = new CgiHeadParser({ nph: false });
  expect(parser.seen).toHaveLength(0);
  parser.push(Buffer.from('Content-Type: a/b\r\nX-'));
  expect(parser.seen.toString()).toBe('Content-Type: a/b\r\nX-');
  parser.push(Buffer.from('A: 1\n\nbody'));
  expect(parser.seen.toString()).toBe('Content-Type: a/b\r\nX-A: 1\n\n');
});

test('a chunk may be written over once it has been pushed', () => {
  const parser = new CgiHeadParser({ nph: false });
  const chunk = Buffer.from('Content-Type: a/b\nX-A');
  parser.push(chunk);
  chunk.fill(0);
  expect(parser.push(Buffer.from(': 1\n\n'))).toMatchObject({ fields: ['Content-Type', 'a/b', 'X-A', '1'] });
});

describe('describeMissingHead', () => {
  test.each([
    ['', 'XGI_CGI_NO_HEAD', /without output/],
    ['Hello', 'XGI_CGI_BAD_HEAD', /"Hello": the program printed this before its head/],
    ['Hello\nworld', 'XGI_CGI_BAD_HEAD', /"Hello":/],
    [
      'Content-Type: text/html\n',
      'XGI_CGI_BAD_HEAD',
      /"Content-Type: text\/html": the output ended before the empty line/,
    ],
    ['HTTP/1.1 200 OK\r\n', 'XGI_CGI_BAD_HEAD', /"HTTP\/1.1 200 OK": the output ended before/],
  ])('%j', (seen, code, message) => {
    const error = describeMissingHead(Buffer.from(seen));
    expect(error).toMatchObject({ status: 502, code });
    expect(error.message).toMatch(message);
  });
});

describe('properties', () => {
  const part = fc.constantFrom(
    ...['Content-Type', 'Status', 'Location', 'X-A', 'Content-Length', 'Transfer-Encoding', 'chunked'],
    ...[
      ': ',
      ':',
      ' ',
      '\t',
      '\n',
      '\r\n',
      '\r',
      '\0',
      '\n\n',
      '200',
      '302 Found',
      '/a?b',
      'http://h/',
      'HTTP/1.1 200 OK\n',
      '\u00e9',
      'x',
    ],
  );
  const output = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.array(part, { maxLength: 20 }).map((parts) => parts.join('')),
    // Heads that are good as often as not.
    fc
      .array(fc.tuple(part, part, part), { maxLength: 3 })
      .map((lines) =>
        ['HTTP/1.1 200 OK', 'Content-Type: a/b', ...lines.map(([a, b, c]) => `X-${a}: ${b}${c}`)].join('\n'),
      )
      .chain((head) => fc.constantFrom(head, head.slice(16)).map((text) => `${text}\n\nbody`)),
  );

  test('nothing but a GatewayError is thrown, and the pieces do not matter', () => {
    fc.assert(
      fc.property(output, fc.boolean(), fc.array(fc.nat(100), { maxLength: 4 }), (text, nph, offsets) => {
        const options = { nph, maxBytes: 80 };
        const bytes = Buffer.from(text, 'latin1');
        const cuts = [0, ...offsets.map((offset) => Math.min(offset, bytes.length)), bytes.length].toSorted(
          (a, b) => a - b,
        );
        const pieces = cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
        expect(readPieces(pieces, options)).toEqual(readPieces([bytes], options));
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test('no field of a head can break the framing', () => {
    fc.assert(
      fc.property(output, fc.boolean(), (printed, nph) => {
        const head = read(printed, { nph });
        if (typeof head !== 'object' || head === null || !('fields' in head)) return;
        const fields = head.fields as string[];
        for (const [i, text] of fields.entries()) {
          expect(text).toMatch(i % 2 === 0 ? /^[!-9;-~]+$/ : /^(?:[\t\x20-\x7e\x80-\xff]*)$/);
          if (i % 2 === 0) expect(text).not.toMatch(/^(?:transfer-encoding|connection)$/i);
        }
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});
