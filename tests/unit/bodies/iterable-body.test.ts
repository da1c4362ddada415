import { describe, expect, test } from 'vitest';
import { type Chunks, iterableBody } from '../../../src/bodies/iterable-body.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import { RawClient } from '../../support/http-client.js';
import { startServer } from '../../support/http-server.js';
import { pollUntil } from '../../support/poll.js';

async function serve(chunks: () => Chunks, fields: readonly string[] = []) {
  return await startServer(() => ({ head: new ResponseHead(200, fields), body: iterableBody(chunks()) }));
}

describe('all kinds of iterables', () => {
  const bytes = [Buffer.from('a'), Buffer.alloc(0), new Uint8Array([98]), Buffer.from('c')];
  test.each([
    ['an array', () => bytes],
    [
      'a generator',
      function* () {
        yield* bytes;
      },
    ],
    [
      'an async generator',
      async function* () {
        yield* bytes;
      },
    ],
    ['a stream', () => new Blob(['abc']).stream() as unknown as AsyncIterable<Uint8Array>],
    [
      'one without return',
      () => ({ [Symbol.iterator]: () => bytes.values() as unknown as Iterator<Uint8Array> }),
    ],
  ] as const)('%s', async (_what, chunks) => {
    const { url } = await serve(chunks as () => Chunks);
    expect(await (await fetch(url)).text()).toBe('abc');
  });
});

test('with a length, it is sent with it', async () => {
  const { url } = await serve(() => [Buffer.from('abc')], ['Content-Length', '3']);
  const response = await fetch(url);
  expect(response.headers.get('content-length')).toBe('3');
  expect(await response.text()).toBe('abc');
});

test('is not asked for more than a client takes, and is ended when it leaves', async () => {
  let asked = 0;
  let ended = false;
  const { port } = await serve(async function* () {
    try {
      for (;;) {
        asked += 1;
        yield Buffer.alloc(65_536);
      }
    } finally {
      ended = true;
    }
  });
  const client = await RawClient.connect(port);
  client.socket.pause();
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  let before = -1;
  // What the kernel holds for a client that reads nothing is a few MiB.
  await pollUntil(
    () => {
      const isStill = asked === before && asked > 0;
      before = asked;
      return isStill;
    },
    { what: 'the source to stand still', everyMs: 200 },
  );
  expect(asked).toBeLessThan(200);
  client.socket.destroy();
  await pollUntil(() => ended, { what: 'the generator to be ended' });
});

test('one that gives nothing, again and again, holds up nobody', async () => {
  const { url } = await startServer(({ path }) => ({
    head: new ResponseHead(200),
    body: iterableBody(path === '/empty' ? endlessNothing() : [Buffer.from('a')]),
  }));
  const leaving = new AbortController();
  const endless = fetch(`${url}/empty`, { signal: leaving.signal }).then((response) => response.text());
  expect(await (await fetch(url)).text()).toBe('a');
  leaving.abort();
  await expect(endless).rejects.toThrow('aborted');
});

function* endlessNothing(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(0);
}

describe('what goes wrong cuts the body off, where the client can tell', () => {
  test.each([
    [
      'an exception',
      async function* () {
        yield Buffer.from('a');
        throw new Error('broken');
      },
    ],
    [
      'a value that is no bytes',
      function* () {
        yield Buffer.from('a');
        yield 'text' as unknown as Buffer;
      },
    ],
  ] as const)('%s', async (_what, chunks) => {
    const { url, log } = await serve(chunks as () => Chunks);
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
    await pollUntil(() => log.some(({ level }) => level === 'error'), { what: 'the log' });
  });
});

test('an iterable that gives something else than bytes is ended', async () => {
  let isEnded = false;
  const { url } = await serve(async function* () {
    try {
      yield Buffer.from('a');
      yield 'text' as unknown as Buffer;
    } finally {
      isEnded = true;
    }
  });
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
  await pollUntil(() => isEnded, { what: 'its finally block' });
});
