import * as fc from 'fast-check';
import { request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { hasNoBody, ResponseHead } from '../../../../src/http/response-head.js';
import { serializeHead, serializeInterim } from '../../../../src/server/http1/response-serializer.js';

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PLAIN = { framing: 'length', addLength: -1, keepAlive: true, http10: false, hsts: '' } as const;

/** Reads bytes as node's HTTP client does. */
async function readByClient(bytes: string): Promise<IncomingMessage & { body: string }> {
  const connection = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      done();
      connection.push(Buffer.from(bytes, 'latin1'));
      connection.push(null);
    },
  });
  return new Promise((resolve, reject) => {
    const client = request({ createConnection: () => connection, insecureHTTPParser: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      response.on('end', () => resolve(Object.assign(response, { body })));
      response.on('error', reject);
    });
    client.on('error', reject).end();
  });
}

describe('serializeHead', () => {
  test('Strict-Transport-Security is added to a head that has none of its own', () => {
    const options = { ...PLAIN, hsts: 'max-age=60' };
    expect(serializeHead(new ResponseHead(200), options)).toContain(
      'Strict-Transport-Security: max-age=60\r\n',
    );
    const own = serializeHead(new ResponseHead(200, ['strict-transport-security', 'max-age=1']), options);
    expect(own.match(/strict-transport-security/gi)).toHaveLength(1);
  });

  test('a head of its own, in full', () => {
    const head = new ResponseHead(200, ['Date', 'now', 'X-A', 'b', 'Content-Length', '3']);
    expect(serializeHead(head, PLAIN)).toBe(
      'HTTP/1.1 200 OK\r\nDate: now\r\nX-A: b\r\nContent-Length: 3\r\nServer: xgi\r\n\r\n',
    );
  });

  test('Date and Server are added where they are missing', () => {
    const text = serializeHead(new ResponseHead(204), PLAIN);
    expect(text).toMatch(
      /^HTTP\/1\.1 204 No Content\r\nServer: xgi\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n\r\n$/,
    );
    expect(Math.abs(Date.parse(/Date: (.*)\r/.exec(text)![1]!) - Date.now())).toBeLessThan(2000);
    expect(serializeHead(new ResponseHead(204, ['sErVer', 'me']), PLAIN)).not.toContain('xgi');
  });

  test.each([
    [{ ...PLAIN, addLength: 5 }, 'Content-Length: 5\r\n\r\n'],
    [{ ...PLAIN, framing: 'chunked' as const }, 'Transfer-Encoding: chunked\r\n\r\n'],
    [{ ...PLAIN, keepAlive: false }, 'GMT\r\nConnection: close\r\n\r\n'],
    [{ ...PLAIN, http10: true }, 'GMT\r\nConnection: keep-alive\r\n\r\n'],
    [{ ...PLAIN, http10: true, keepAlive: false }, 'GMT\r\nConnection: close\r\n\r\n'],
  ])('%j', (options, end) => {
    expect(serializeHead(new ResponseHead(200), options).endsWith(end)).toBe(true);
  });

  test('what is kept of a head does not leak from one connection to the next', () => {
    const head = new ResponseHead(200, ['X', 'y']);
    serializeHead(head, { framing: 'chunked', addLength: -1, keepAlive: false, http10: false, hsts: '' });
    expect(serializeHead(head, PLAIN)).not.toMatch(/chunked|close/);
  });

  test('the reason phrase is the given one, the usual one, or empty', () => {
    expect(serializeHead(new ResponseHead(200, [], 'Fine'), PLAIN)).toMatch(/^HTTP\/1\.1 200 Fine\r\n/);
    expect(serializeHead(new ResponseHead(404), PLAIN)).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(serializeHead(new ResponseHead(599), PLAIN)).toMatch(/^HTTP\/1\.1 599 \r\n/);
  });

  test('interim responses carry their fields only', () => {
    expect(serializeInterim(new ResponseHead(103, ['Link', '</a>']))).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
    );
    expect(serializeInterim(new ResponseHead(101, ['Upgrade', 'echo']))).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n',
    );
  });

  test("node's client reads back what was put in", async () => {
    const name = fc
      .string({ unit: fc.constantFrom(...TOKEN), minLength: 1, maxLength: 12 })
      .map((text) => `X-${text}`);
    // White space at the ends of a value is not part of it (RFC 9110 section 5.5).
    const value = fc
      .string({
        unit: fc
          .integer({ min: 0x20, max: 0xff })
          .filter((code) => code !== 0x7f)
          .map((code) => String.fromCharCode(code)),
        maxLength: 30,
      })
      .map((text) => text.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
    const fields = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((pairs) => pairs.flat());
    const body = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '0', '\xff'), maxLength: 20 });
    const status = fc.integer({ min: 200, max: 599 }).filter((code) => !hasNoBody('GET', code));
    await fc.assert(
      fc.asyncProperty(status, fields, body, fc.boolean(), async (code, given, content, keepAlive) => {
        const head = new ResponseHead(code, given);
        const text = serializeHead(head, {
          framing: 'length',
          addLength: content.length,
          keepAlive,
          http10: false,
          hsts: '',
        });
        const read = await readByClient(text + content);
        expect(read.statusCode).toBe(code);
        expect(read.body).toBe(content);
        expect(read.rawHeaders.slice(0, given.length)).toEqual(given);
        expect(read.headers['content-length']).toBe(`${content.length}`);
        expect(read.headers.connection).toBe(keepAlive ? undefined : 'close');
      }),
      { seed: 20_260_103, numRuns: 400 },
    );
  });
});

test.each([
  ['HEAD', 200, true],
  ['GET', 204, true],
  ['GET', 304, true],
  ['GET', 101, true],
  ['GET', 200, false],
  ['POST', 205, false],
])('hasNoBody(%s, %d) is %s', (method, status, expected) => {
  expect(hasNoBody(method, status)).toBe(expected);
});
