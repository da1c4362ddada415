/** Compressed answers, to clients that unpack them themselves. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../src/bodies/iterable-body.js';
import { createStaticHandler } from '../../src/handlers/static/static.js';
import { compression } from '../../src/middleware/compression.js';
import { hasZstd } from '../../src/middleware/compression/codings.js';
import type { GatewayResponse, Handler } from '../../src/types.js';
import { curl } from '../support/curl.js';
import { RawClient } from '../support/http-client.js';
import { answer, type RunningServer, startServer, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';

const TEXT = 'compressible text, again and again; '.repeat(200);
const PLAIN = ['Content-Type', 'text/plain; charset=utf-8'];

type Options = Parameters<typeof compression>[0];

function serve(handler: Handler, options: Options = {}): Promise<RunningServer> {
  return startServer(compression(options)(handler));
}

function ask(server: RunningServer, fields: Record<string, string>, method = 'GET'): Promise<Response> {
  return fetch(`${server.url}/`, { method, headers: fields });
}

/** As a client that does not unpack it. */
async function raw(server: RunningServer, fields: string): Promise<{ body: Buffer; head: string }> {
  const client = await RawClient.connect(server.port);
  client.socket.write(`GET / HTTP/1.0\r\nHost: a\r\n${fields}\r\n\r\n`);
  await client.until(() => client.ended, 'the end');
  const end = client.received.indexOf('\r\n\r\n');
  return { head: client.received.slice(0, end), body: Buffer.from(client.received.slice(end + 4), 'latin1') };
}

describe('what a client asks for', () => {
  test.each([
    ['gzip', 'gzip'],
    ['br, gzip', 'br'],
    ['gzip;q=1, br;q=0.5', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', hasZstd ? 'zstd' : 'gzip'],
    ['identity', null],
    ['gzip;q=0', null],
    ['deflate', null],
    ['', null],
  ])('%s gets %s', async (accepted, coding) => {
    const server = await serve(() => answer(TEXT, 200, PLAIN));
    const response = await ask(server, { 'Accept-Encoding': accepted });
    expect(response.headers.get('content-encoding')).toBe(coding);
    expect(response.headers.get('vary')).toBe('Accept-Encoding');
    // Which fetch does not unpack; curl does, below.
    if (coding !== 'zstd') expect(await response.text()).toBe(TEXT);
  });

  test.each(['br', 'gzip'])('curl unpacks %s', async (coding) => {
    const server = await serve(() => answer(Buffer.from(TEXT), 200, PLAIN));
    const { head, body } = await curl('--compressed', '-H', `Accept-Encoding: ${coding}`, `${server.url}/`);
    expect(head).toContain(`Content-Encoding: ${coding}\r\n`);
    expect(body).toBe(TEXT);
  });

  test('curl unpacks zstd, where Node has it; else it gets what it can read without', async () => {
    const server = await serve(() => answer(TEXT, 200, PLAIN));
    const { head, body } = await curl('--compressed', '-H', 'Accept-Encoding: zstd', `${server.url}/`);
    expect(head.includes('Content-Encoding: zstd\r\n')).toBe(hasZstd);
    expect(body).toBe(TEXT);
  });

  test('the order of the codings is an option', async () => {
    const server = await serve(() => answer(TEXT, 200, PLAIN), { codings: ['gzip', 'br'] });
    const response = await ask(server, { 'Accept-Encoding': 'br, gzip' });
    expect(response.headers.get('content-encoding')).toBe('gzip');
  });
});

describe('the level of a coding is its own option', () => {
  const WORDS = randomBytes(40_000)
    .toString('base64')
    .match(/.{1,9}/g)!;
  /** Words that come again and again, never in the same order. */
  const text = Array.from({ length: 60_000 }, (_, i) => WORDS[(i * i * 7 + i) % 700]!).join(' ');
  const LOW = { level: 1, brotliLevel: 0, zstdLevel: 1 };
  const HIGH = { level: 9, brotliLevel: 9, zstdLevel: 19 };
  const bodies: readonly (readonly [string, () => GatewayResponse])[] = [
    ['a short body', () => answer(text.slice(0, 16_000), 200, PLAIN)],
    ['a long body', () => answer(text.slice(0, 100_000), 200, PLAIN)],
    ['a stream', () => ({ ...answer('', 200, PLAIN), body: iterableBody([Buffer.from(text)]) })],
  ];

  describe.each([
    ['gzip', 'level'],
    ['br', 'brotliLevel'],
    ...(hasZstd ? [['zstd', 'zstdLevel'] as const] : []),
  ] as const)('%s: %s', (coding, option) => {
    test.each(bodies)('%s', async (_what, handler) => {
      const length = async (options: Options): Promise<number> => {
        const { head, body } = await raw(await serve(handler, options), `Accept-Encoding: ${coding}\r\n`);
        expect(head).toContain(`Content-Encoding: ${coding}`);
        return body.length;
      };
      const ownHigh = await length({ ...LOW, [option]: HIGH[option] });
      const ownLow = await length({ ...HIGH, [option]: LOW[option] });
      expect(ownHigh).toBeLessThan(ownLow);
    });
  });
});

describe('what stays as it is', () => {
  const gzipped = zlib.gzipSync(TEXT);

  test.each<[string, readonly string[], number, string | null]>([
    ['what is coded already', [...PLAIN, 'Content-Encoding', 'gzip'], 200, null],
    ['no-transform', [...PLAIN, 'Cache-Control', 'public, no-transform'], 200, null],
    ['a part', [...PLAIN, 'Content-Range', 'bytes 0-7199/9000'], 206, null],
    ['a picture', ['Content-Type', 'image/png'], 200, null],
    ['what has no type', [], 200, null],
  ])('%s', async (_what, fields, status, vary) => {
    const bytes = fields.includes('Content-Encoding') ? gzipped : TEXT;
    const server = await serve(() => answer(bytes, status, [...fields, 'ETag', '"1"']));
    const response = await ask(server, { 'Accept-Encoding': 'gzip, br' });
    expect(response.headers.get('vary')).toBe(vary);
    expect(response.headers.get('etag')).toBe('"1"');
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect(await response.text()).toBe(TEXT);
  });

  test('short bodies, of bytes and of streams that tell their length', async () => {
    const server = await serve((request) =>
      request.path === '/'
        ? answer('x'.repeat(1023), 200, PLAIN)
        : streamed(
            new TestSource((sink) => {
              sink.data(Buffer.from('short'));
              sink.end();
            }),
            [...PLAIN, 'Content-Length', '5'],
          ),
    );
    for (const target of ['/', '/stream']) {
      const response = await fetch(server.url + target);
      expect(response.headers.get('content-encoding')).toBeNull();
    }
  });

  test('204 and 304', async () => {
    const server = await serve((request) => answer('', request.path === '/a' ? 204 : 304, PLAIN));
    for (const target of ['/a', '/b']) {
      const response = await fetch(server.url + target);
      expect(response.headers.get('content-encoding')).toBeNull();
    }
  });

  test('types are an option', async () => {
    const server = await serve(
      (request) => answer(TEXT, 200, ['Content-Type', request.path === '/a' ? 'image/x-own' : 'text/plain']),
      { types: ['image/*'], minSize: 10 },
    );
    expect((await fetch(`${server.url}/a`)).headers.get('content-encoding')).toBe('gzip');
    expect((await fetch(`${server.url}/b`)).headers.get('content-encoding')).toBeNull();
  });
});

describe('the head of what is coded', () => {
  const OF_BYTES = [
    'Accept-Ranges',
    'bytes',
    'Content-MD5',
    'x',
    'Digest',
    'x',
    'Repr-Digest',
    'x',
    'Content-Digest',
    'x',
  ];

  test('tells the new length, and nothing of the old bytes', async () => {
    const fields = [
      ...PLAIN,
      ...OF_BYTES,
      'Content-Length',
      String(TEXT.length),
      'Content-Encoding',
      'identity',
    ];
    const server = await serve(() => answer(TEXT, 200, fields));
    const { head, body } = await raw(server, 'Accept-Encoding: gzip');
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(head).not.toMatch(/ranges|digest|md5|identity/i);
    expect(zlib.gunzipSync(body).toString()).toBe(TEXT);
  });

  test('a strong entity tag becomes weak, and the client can use it', async () => {
    const root = makeTempDir();
    mkdirSync(path.join(root, 'a'));
    writeFileSync(path.join(root, 'index.html'), TEXT);
    const server = await serve(createStaticHandler({ root }));
    // A file that has just been written has a weak one anyway.
    const strong = await pollUntil(async () => {
      const etag = (await ask(server, { 'Accept-Encoding': 'identity' })).headers.get('etag') ?? '';
      return etag.startsWith('"') && etag;
    });
    const coded = await ask(server, { 'Accept-Encoding': 'gzip' });
    const etag = coded.headers.get('etag')!;
    expect(etag).toBe(`W/${strong}`);
    expect(coded.headers.get('accept-ranges')).toBeNull();
    expect(await coded.text()).toBe(TEXT);

    const again = await ask(server, { 'Accept-Encoding': 'gzip', 'If-None-Match': etag });
    expect(again.status).toBe(304);
    expect(Object.fromEntries(again.headers)).toMatchObject({ etag, vary: 'Accept-Encoding' });
    const plain = await ask(server, { 'Accept-Encoding': 'identity', 'If-None-Match': strong });
    expect(plain.headers.get('etag')).toBe(strong);

    const part = await ask(server, { 'Accept-Encoding': 'gzip', Range: 'bytes=0-9' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-encoding')).toBeNull();
    expect(await part.text()).toBe(TEXT.slice(0, 10));
    // The client has a weak tag, which is good for no part.
    const ifRange = await ask(server, { 'Accept-Encoding': 'gzip', Range: 'bytes=0-9', 'If-Range': etag });
    expect(ifRange.status).toBe(200);
  });

  test('HEAD has the fields of GET', async () => {
    const fields = [...PLAIN, 'ETag', '"1"', 'Content-Length', String(TEXT.length)];
    const server = await serve((request) => answer(request.method === 'HEAD' ? '' : TEXT, 200, fields));
    const fieldsOf = (response: Response): Record<string, string> => {
      const ofEach = new Set(['connection', 'content-length', 'date', 'keep-alive']);
      return Object.fromEntries([...response.headers].filter(([name]) => !ofEach.has(name)));
    };
    const got = await ask(server, { 'Accept-Encoding': 'gzip' });
    const head = await ask(server, { 'Accept-Encoding': 'gzip' }, 'HEAD');
    expect(fieldsOf(head)).toEqual(fieldsOf(got));
    expect(head.headers.get('content-length')).toBeNull();
    const plain = await ask(server, { 'Accept-Encoding': 'identity' }, 'HEAD');
    expect(plain.headers.get('content-length')).toBe(String(TEXT.length));
  });
});

describe('streams', () => {
  test.each(['gzip', 'br', ...(hasZstd ? ['zstd'] : [])])('%s delays nothing', async (coding) => {
    const source = new TestSource();
    const server = await serve(() => streamed(source, ['Content-Type', 'text/event-stream']));
    // Node has no unpacking fetch for zstd in all versions: curl has.
    const client = spawn('curl', [
      '-sN',
      '--compressed',
      '-H',
      `Accept-Encoding: ${coding}`,
      `${server.url}/`,
    ]);
    let text = '';
    client.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await pollUntil(() => source.sink);
    for (const event of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
      source.sink!.data(Buffer.from(event));
      await pollUntil(() => text.endsWith(event), { what: event });
    }
    source.sink!.end();
    await new Promise((resolve) => client.on('close', resolve));
    expect(text).toBe('data: one\n\ndata: two\n\ndata: three\n\n');
    expect(source.takenBytes).toBe(text.length);
  });

  test('a client that takes nothing stops the source', async () => {
    let given = 0;
    const source = new TestSource((sink) => {
      const more = (): void => {
        // What may be under way with this source.
        while (source.cancelled === 0 && given - source.takenBytes < 65_536) {
          given += 16_384;
          sink.data(randomBytes(16_384));
        }
      };
      source.taken = (bytes) => {
        source.takenBytes += bytes;
        setImmediate(more);
      };
      more();
    });
    const server = await serve(() => streamed(source, PLAIN));
    const client = await RawClient.connect(server.port);
    client.socket.pause();
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    let before = -1;
    await pollUntil(
      () => {
        const still = given > 0 && given === before;
        before = given;
        return still;
      },
      { everyMs: 200 },
    );
    // The kernel's buffers hold some.
    expect(given).toBeLessThan(16_777_216);
    client.socket.destroy();
    await pollUntil(() => source.cancelled === 1);
  });

  test('a source that fails is cut off', async () => {
    const server = await serve(() =>
      streamed(
        new TestSource((sink) => {
          sink.data(Buffer.from(TEXT));
          setImmediate(() => sink.error(new Error('gone')));
        }),
        PLAIN,
      ),
    );
    const { code } = await curl('--compressed', `${server.url}/`);
    expect(code).toBe(18);
  });

  test('a large body of bytes, and a file, come whole', async () => {
    const long = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `line ${i * 7919}\n`).join(''));
    const root = makeTempDir();
    writeFileSync(path.join(root, 'long.txt'), long);
    const files = createStaticHandler({ root });
    const server = await serve((request) =>
      request.path === '/' ? answer(long, 200, PLAIN) : files(request),
    );
    for (const target of ['/', '/long.txt']) {
      const response = await fetch(server.url + target, { headers: { 'Accept-Encoding': 'gzip' } });
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(Buffer.from(await response.arrayBuffer()).equals(long)).toBe(true);
    }
  });

  test.each([1024, 16_384, 16_385, 100_000])('%i bytes come whole in each coding', async (size) => {
    const text = TEXT.repeat(20).slice(0, size);
    const server = await serve(() => answer(text, 200, PLAIN));
    for (const coding of ['gzip', 'br']) {
      const response = await ask(server, { 'Accept-Encoding': coding });
      expect(response.headers.get('content-encoding')).toBe(coding);
      expect(await response.text()).toBe(text);
    }
  });
});
