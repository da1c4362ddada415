/** What is stored, given again, confirmed, refreshed and forgotten: over real connections, and with the application counting. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../src/errors.js';
import { deriveRequest } from '../../src/http/derived-request.js';
import type { StoredEntry } from '../../src/http/stored-response.js';
import { cache } from '../../src/middleware/cache.js';
import type { GatewayRequest, GatewayResponse, Handler } from '../../src/types.js';
import { RawClient, type RawResponse } from '../support/http-client.js';
import {
  answer,
  deferred,
  type RunningServer,
  startServer,
  streamed,
  TestSource,
} from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

type Options = NonNullable<Parameters<typeof cache>[0]>;

/** Each answer of the application says which it is. */
function counting(
  fields: readonly string[] | ((request: GatewayRequest) => readonly string[]),
  status = 200,
) {
  const seen: GatewayRequest[] = [];
  const handler: Handler = (request) => {
    seen.push(request);
    return answer(`answer ${seen.length}`, status, typeof fields === 'function' ? fields(request) : fields);
  };
  return { seen, handler };
}

const serve = (handler: Handler, options: Options = {}): Promise<RunningServer> =>
  startServer(cache(options)(handler));

interface Got {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly cache: string | null;
}

async function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  const response = await fetch(url, { headers, method });
  const text = await response.text();
  return {
    status: response.status,
    text,
    headers: response.headers,
    cache: response.headers.get('cache-status'),
  };
}

const FRESH = ['Cache-Control', 'max-age=60'];

describe('a fresh answer', () => {
  test('is given again, with its age', async () => {
    const { handler, seen } = counting([...FRESH, 'ETag', '"1"']);
    const { url } = await serve(handler);
    const first = await get(url);
    expect(first.cache).toBe('xgi;fwd=uri-miss;stored');
    const second = await get(url);
    expect(second.text).toBe('answer 1');
    expect(second.cache).toMatch(/^xgi;hit;ttl=\d\d$/);
    expect(second.headers.get('age')).toMatch(/^[01]$/);
    expect(second.headers.get('date')).not.toBeNull();
    await pollUntil(async () => (await get(url)).headers.get('age') === '1', { deadlineMs: 3000 });
    expect(seen).toHaveLength(1);
  });

  test('counts the age that it came with', async () => {
    const { handler, seen } = counting([...FRESH, 'Age', '50']);
    const { url } = await serve(handler);
    await get(url);
    expect((await get(url)).headers.get('age')).toMatch(/^5[01]$/);
    expect(seen).toHaveLength(1);
  });

  test('answers HEAD, and the conditions of clients', async () => {
    const { handler, seen } = counting([
      ...FRESH,
      'ETag',
      '"1"',
      'Content-Type',
      'text/plain',
      'Content-Disposition',
      'inline',
      'Access-Control-Allow-Origin',
      '*',
    ]);
    const { url, port } = await serve(handler);
    await get(url);
    const head = await get(url, {}, 'HEAD');
    expect(head.text).toBe('');
    expect(head.headers.get('content-length')).toBe('8');
    // A fetch with conditions asks for confirmation, too.
    const client = await RawClient.connect(port);
    const ask = async (etag: string): Promise<RawResponse> => {
      client.send(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nIf-None-Match: ${etag}\r\n\r\n`);
      return await client.response();
    };
    const unmodified = await ask('W/"1"');
    expect(unmodified.status).toBe(304);
    expect(unmodified.fields['access-control-allow-origin']).toBe('*');
    expect(unmodified.fields['content-type']).toBeUndefined();
    expect(unmodified.fields['content-disposition']).toBeUndefined();
    expect((await ask('"2"')).status).toBe(200);
    expect(seen).toHaveLength(1);
  });

  test('is not good enough for who wants it confirmed', async () => {
    const { handler, seen } = counting(FRESH);
    const { url } = await serve(handler);
    await get(url);
    for (const value of ['no-cache', 'max-age=0', 'NO-CACHE', 'min-fresh=61']) {
      const { text } = await get(url, { 'Cache-Control': value });
      // Within this millisecond, nothing is older than 0 seconds.
      if (value !== 'max-age=0') expect(text).toBe(`answer ${seen.length}`);
    }
    expect(seen.length).toBeGreaterThan(3);
  });

  test('only-if-cached asks nobody', async () => {
    const { handler, seen } = counting(FRESH);
    const { url } = await serve(handler);
    expect((await get(url, { 'Cache-Control': 'only-if-cached' })).status).toBe(504);
    expect(seen).toHaveLength(0);
  });

  test('of a client that has it already, the first answer is stored too', async () => {
    const { handler, seen } = counting([...FRESH, 'ETag', '"1"']);
    const { url } = await serve(handler);
    expect((await get(url, { 'If-None-Match': '"1"' })).status).toBe(304);
    expect(seen[0]!.field('if-none-match')).toBeUndefined();
    expect((await get(url)).text).toBe('answer 1');
  });
});

describe('what is not stored', () => {
  test.each<[string, readonly string[]]>([
    ['what says nothing', []],
    ['private', ['Cache-Control', 'max-age=60, private']],
    ['PRIVATE', ['Cache-Control', 'max-age=60, PRIVATE']],
    ['private for a field', ['Cache-Control', 'max-age=60, private="x, y"']],
    ['no-store', ['Cache-Control', 'no-store, max-age=60']],
    ['behind what cannot be read', ['Cache-Control', 'max-age=60, a b c, private']],
    ['in one with what cannot be read', ['Cache-Control', 'no-store;max-age=60']],
    ['no-cache', ['Cache-Control', 'no-cache, max-age=60']],
    ['a stream of events', [...FRESH, 'Content-Type', 'text/event-stream; charset=utf-8']],
    ['nothing but old', ['Expires', 'Thu, 01 Jan 1970 00:00:00 GMT']],
    ['a cookie', [...FRESH, 'Set-Cookie', 'a=b']],
    ['a cookie, though public', ['Cache-Control', 'public, max-age=60', 'Set-Cookie', 'a=b']],
    ['that differs by all', [...FRESH, 'Vary', 'Accept, *']],
    ['older than it may be', [...FRESH, 'Age', '61']],
  ])('%s', async (_what, fields) => {
    const { handler } = counting(fields);
    const { url } = await serve(handler);
    await get(url);
    expect((await get(url)).text).toBe('answer 2');
  });

  test('what asks for something else', async () => {
    const { handler } = counting(FRESH);
    const { url } = await serve(handler);
    for (const headers of [{ Range: 'bytes=0-1' }, { 'If-Match': '"1"' }, { 'If-Unmodified-Since': 'x' }])
      expect((await get(url, headers as Record<string, string>)).cache).toBe('xgi;fwd=bypass');
    expect((await get(url)).text).toBe('answer 4');
  });

  test('what wants to change the protocol', async () => {
    const { handler } = counting(FRESH);
    const { port } = await serve(handler);
    const client = await RawClient.connect(port);
    for (const n of [1, 2]) {
      client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      expect((await client.response()).body).toBe(`answer ${n}`);
    }
  });

  test('the answer to HEAD, for GET', async () => {
    const { handler } = counting(FRESH);
    const { url } = await serve(handler);
    await get(url, {}, 'HEAD');
    expect((await get(url)).text).toBe('answer 2');
  });

  test('what is longer than an entry may be: bytes, and streams', async () => {
    let calls = 0;
    const { url } = await serve(
      (request) => {
        calls += 1;
        if (request.path === '/bytes') return answer('x'.repeat(11), 200, FRESH);
        return streamed(
          new TestSource((sink) => {
            sink.data(Buffer.from('123456'));
            sink.data(Buffer.from('78901'));
            sink.end();
          }),
          FRESH,
        );
      },
      { entrySize: 10 },
    );
    for (const path of ['/bytes', '/stream']) {
      expect((await get(url + path)).text).toHaveLength(11);
      expect((await get(url + path)).text).toHaveLength(11);
    }
    expect(calls).toBe(4);
  });

  test('what is not complete', async () => {
    let calls = 0;
    const broken = (fields: readonly string[], end: (source: TestSource) => void): GatewayResponse => {
      const source: TestSource = new TestSource((sink) => {
        sink.data(Buffer.from('part'));
        setImmediate(() => end(source));
      });
      return streamed(source, fields);
    };
    const { url } = await serve((request) => {
      calls += 1;
      if (request.path === '/fails') return broken(FRESH, ({ sink }) => sink!.error(new Error('gone')));
      return broken([...FRESH, 'Content-Length', '10'], ({ sink }) => sink!.end());
    });
    for (const path of ['/fails', '/short'])
      for (let i = 0; i < 2; i++) await expect(get(url + path)).rejects.toThrow('terminated');
    expect(calls).toBe(4);
  });
});

describe('a program that says nothing', () => {
  const options = { defaultTtl: '1m' };

  test('is stored by defaultTtl, for those without a cookie', async () => {
    const { handler, seen } = counting([]);
    const { url } = await serve(handler, options);
    await get(url);
    expect((await get(url)).text).toBe('answer 1');
    expect((await get(url, { Cookie: 'session=1' })).text).toBe('answer 2');
    expect((await get(url, { Authorization: 'Basic YTpi' })).text).toBe('answer 3');
    expect((await get(url)).text).toBe('answer 1');
    expect(seen).toHaveLength(3);
  });

  test('not from a request with a cookie, nor for a status that says nothing by itself', async () => {
    const { handler } = counting([]);
    const { url } = await serve(handler, options);
    await get(url, { Cookie: 'session=1' });
    expect((await get(url)).text).toBe('answer 2');
    const other = await serve(counting([], 302).handler, options);
    const client = await RawClient.connect(other.port);
    for (const n of [1, 2]) {
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await client.response()).body).toBe(`answer ${n}`);
    }
  });

  test('what says something is taken at its word', async () => {
    const { handler } = counting(['Cache-Control', 'no-cache']);
    const { url } = await serve(handler, options);
    await get(url);
    expect((await get(url)).text).toBe('answer 2');
  });
});

describe('Authorization', () => {
  test.each([
    ['max-age=60', 2],
    ['max-age=60, public', 1],
    ['s-maxage=60', 1],
    ['max-age=60, must-revalidate', 1],
  ])('%s: the second gets answer %i', async (control, n) => {
    const { handler } = counting(['Cache-Control', control]);
    const { url } = await serve(handler);
    await get(url, { Authorization: 'Basic YTpi' });
    expect((await get(url, { Authorization: 'Basic YTpi' })).text).toBe(`answer ${n}`);
    expect((await get(url)).text).toBe(`answer ${n === 1 ? 1 : 3}`);
  });

  test('a user that a middleware has found out counts as one', async () => {
    const { handler } = counting(FRESH);
    const cached = cache({})(handler);
    const { url } = await startServer((request) =>
      cached(
        request.field('x-user') === undefined
          ? request
          : deriveRequest(request, { identity: { scheme: 'Basic', user: 'ada' } }),
      ),
    );
    await get(url, { 'X-User': 'ada' });
    expect((await get(url)).text).toBe('answer 2');
    expect((await get(url, { 'X-User': 'ada' })).text).toBe('answer 3');
  });

  test.each<[string, (request: GatewayRequest) => GatewayRequest]>([
    [
      'whom a middleware has let in without a name',
      (request) => deriveRequest(request, { isPersonal: true }),
    ],
    [
      'who has shown a certificate',
      (request) =>
        Object.assign(deriveRequest(request, {}), {
          peer: { ...request.peer, tls: { clientCertificate: { verify: 'SUCCESS', subject: 'CN=ada' } } },
        }),
    ],
  ])('%s counts as one', async (_who, known) => {
    for (const options of [{}, { defaultTtl: '1m' }]) {
      const { handler } = counting(options.defaultTtl === undefined ? FRESH : []);
      const cached = cache(options)(handler);
      const { url } = await startServer((request) =>
        cached(request.field('x-key') === undefined ? request : known(request)),
      );
      await get(url, { 'X-Key': 'a' });
      expect((await get(url)).text).toBe('answer 2');
      expect((await get(url)).text).toBe('answer 2');
      expect((await get(url, { 'X-Key': 'b' })).text).toBe('answer 3');
    }
  });
});

describe('Vary', () => {
  test('each variant is stored', async () => {
    const { handler, seen } = counting([...FRESH, 'Vary', 'Accept-Language, X-Kind']);
    const { url } = await serve(handler);
    const ask = async (language: string): Promise<string> =>
      (await get(url, { 'Accept-Language': language })).text;
    expect([await ask('de'), await ask('en'), await ask('de'), await ask('en')]).toEqual([
      'answer 1',
      'answer 2',
      'answer 1',
      'answer 2',
    ]);
    expect(seen).toHaveLength(2);
  });

  test('variants are forgotten together', async () => {
    const { handler } = counting([...FRESH, 'Vary', 'Accept-Language']);
    const { url } = await serve(handler);
    const ask = async (language: string): Promise<string> =>
      (await get(url, { 'Accept-Language': language })).text;
    await ask('de');
    await ask('en');
    await get(url, {}, 'POST');
    expect([await ask('de'), await ask('en')]).toEqual(['answer 4', 'answer 5']);
  });
});

describe('a stale answer', () => {
  const stale = (...more: string[]): string[] => ['Cache-Control', ['max-age=1', ...more].join(', ')];
  const makeStale = (seconds = 1): void => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 + 50 });
  };

  afterEach(() => {
    vi.useRealTimers();
  });

  test('is confirmed by a 304, whose fields it takes on', async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await serve((request) => {
      seen.push(request.field('if-none-match'));
      if (request.field('if-none-match') === '"1"')
        return answer('', 304, ['ETag', '"1"', 'Cache-Control', 'max-age=60', 'X-New', 'yes']);
      return answer('body', 200, ['ETag', '"1"', 'Content-Type', 'text/plain', ...stale()]);
    });
    await get(url);
    makeStale();
    const confirmed = await get(url, { 'If-None-Match': '"other"' });
    expect(confirmed.cache).toBe('xgi;fwd=stale;fwd-status=304');
    expect(confirmed.status).toBe(200);
    expect(confirmed.text).toBe('body');
    expect(confirmed.headers.get('x-new')).toBe('yes');
    expect(confirmed.headers.get('content-type')).toBe('text/plain');
    expect((await get(url)).cache).toMatch(/hit;ttl=(?:60|59)/);
    expect(seen).toEqual([undefined, '"1"']);
  });

  test('is given while it is refreshed, once', async () => {
    const { handler, seen } = counting(stale('stale-while-revalidate=60'));
    const { url } = await serve(handler);
    await get(url);
    makeStale();
    const given = await get(url);
    expect(given.text).toBe('answer 1');
    expect(given.cache).toMatch(/^xgi;hit;ttl=(?:0|-\d)$/);
    await pollUntil(async () => (await get(url)).text === 'answer 2');
    expect(seen).toHaveLength(2);
  });

  // RFC 9211 section 2.4: negative to indicate staleness.
  test('says how long it has been stale, by a ttl below 0', async () => {
    let calls = 0;
    const { url } = await serve(() =>
      calls++ === 0 ? answer('old', 200, stale('stale-while-revalidate=60')) : new Promise(() => {}),
    );
    await get(url);
    makeStale(31);
    const given = await get(url);
    expect([given.text, given.headers.get('age')]).toEqual(['old', '31']);
    // One second fresh, 31 old; and no more exact than a second.
    expect(given.cache).toMatch(/^xgi;hit;ttl=-(?:29|30)$/);
  });

  test('is given if the application fails: status or error', async () => {
    let mode = 'good';
    const { url } = await serve((request) => {
      if (mode === 'good') return answer('good', 200, stale('stale-if-error=60'));
      if (request.path === '/throws') throw new GatewayError(504, 'XGI_TEST', 'too slow');
      return answer('bad', 500);
    });
    await get(`${url}/throws`);
    await get(`${url}/500`);
    mode = 'bad';
    makeStale();
    expect(await get(`${url}/throws`)).toMatchObject({ text: 'good', cache: 'xgi;fwd=stale' });
    expect(await get(`${url}/500`)).toMatchObject({ text: 'good', cache: 'xgi;fwd=stale;fwd-status=500' });
    expect((await get(`${url}/unknown`)).status).toBe(500);
  });

  test('is never given by who says must-revalidate', async () => {
    let calls = 0;
    const { url } = await serve(
      () =>
        calls++ === 0
          ? answer('good', 200, stale('must-revalidate', 'stale-if-error=60'))
          : answer('bad', 500),
      { staleIfError: '1m', staleWhileRevalidate: '1m' },
    );
    await get(url);
    expect((await get(url)).text).toBe('good');
    makeStale();
    expect((await get(url)).text).toBe('bad');
  });
});

describe('what changes something', () => {
  test('makes what is stored of it invalid, and of what it names', async () => {
    const { handler } = counting((request) =>
      request.method === 'POST'
        ? ['Location', '/list?page=1', 'Content-Location', 'http://elsewhere/other']
        : FRESH,
    );
    const { url } = await serve(handler);
    for (const path of ['/item', '/list?page=1', '/other']) await get(url + path);
    await get(`${url}/item`, {}, 'POST');
    expect((await get(`${url}/item`)).text).toBe('answer 5');
    expect((await get(`${url}/list?page=1`)).text).toBe('answer 6');
    expect((await get(`${url}/other`)).text).toBe('answer 3');
  });

  test.each<[string, string]>([
    ['another scheme', 'X-Forwarded-Proto: https\r\nHost: a'],
    ['another scheme, in Forwarded', 'Forwarded: proto=https\r\nHost: a'],
    ['another spelling of the host', 'Host: A'],
    ['another spelling of the host, with a port', 'Host: a:80'],
  ])('also if it was asked for by %s', async (_, fields) => {
    const { handler, seen } = counting([...FRESH, 'Vary', 'Accept-Language']);
    const { port } = await startServer(cache({})(handler), { trusted: '127.0.0.1' });
    const client = await RawClient.connect(port);
    const ask = async (line: string, given: string): Promise<string> =>
      (await client.send(`${line} HTTP/1.1\r\n${given}\r\n\r\n`).response()).body;
    expect(await ask('GET /item', 'Host: a')).toBe('answer 1');
    await pollUntil(() => Date.now() > seen[0]!.arrivedAtMs + performance.timeOrigin + 2);
    await ask('POST /other', fields);
    expect(await ask('GET /item', 'Host: a')).toBe('answer 1');
    await ask('POST /item', fields);
    expect(await ask('GET /item', 'Host: a')).toBe('answer 4');
    expect(await ask('GET /item', 'Host: a')).toBe('answer 4');
  });

  test('also if the one names the host in its target', async () => {
    const { handler, seen } = counting(FRESH);
    const { port } = await startServer(cache({})(handler));
    const client = await RawClient.connect(port);
    const ask = async (line: string): Promise<string> =>
      (await client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`).response()).body;
    await ask('GET /item');
    await pollUntil(() => Date.now() > seen[0]!.arrivedAtMs + performance.timeOrigin + 2);
    await ask('DELETE http://a/item');
    expect(await ask('GET /item')).toBe('answer 3');
  });

  test('not if it fails', async () => {
    const { url } = await serve((request) =>
      request.method === 'DELETE' ? answer('no', 403) : answer('x', 200, FRESH),
    );
    await get(url);
    await get(url, {}, 'DELETE');
    expect((await get(url)).cache).toContain('hit');
  });

  test('an answer that was under way before is not stored', async () => {
    const gate = deferred();
    let calls = 0;
    const { url } = await serve(async (request) => {
      if (request.method === 'POST') return answer('done');
      calls += 1;
      const n = calls;
      if (n === 1) await gate.promise;
      return answer(`answer ${n}`, 200, FRESH);
    });
    const first = get(url);
    await pollUntil(() => calls === 1);
    await get(url, {}, 'POST');
    gate.resolve();
    expect((await first).text).toBe('answer 1');
    expect((await get(url)).text).toBe('answer 2');
  });
});

describe('many who ask for the same', () => {
  /** Answers when the gate opens. */
  function gated(make: (n: number) => GatewayResponse) {
    const gate = deferred();
    const state = { calls: 0, aborted: 0 };
    const handler: Handler = async (request) => {
      state.calls += 1;
      const n = state.calls;
      request.onAbort(() => (state.aborted += 1));
      await gate.promise;
      return make(n);
    };
    return { gate, state, handler };
  }

  const arrived = (server: RunningServer, n: number): Promise<unknown> =>
    pollUntil(() => server.seen.length >= n);

  test('are answered by one request to the application', async () => {
    const { gate, state, handler } = gated(() => answer('shared', 200, FRESH));
    const server = await serve(handler);
    const all = Array.from({ length: 20 }, () => get(server.url));
    await arrived(server, 20);
    gate.resolve();
    const got = await Promise.all(all);
    expect(got.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => 'shared'));
    expect(got.filter(({ cache: status }) => status === 'xgi;fwd=uri-miss;collapsed')).toHaveLength(19);
    expect(state.calls).toBe(1);
  });

  test.each([
    ['private ones are not', () => answer('own', 200, ['Cache-Control', 'private, max-age=60']), 5],
    ['failures are not', () => answer('failed', 500), 5],
  ])('%s', async (_what, make, calls) => {
    const { gate, state, handler } = gated(make);
    const server = await serve(handler);
    const all = Array.from({ length: 5 }, () => get(server.url));
    await arrived(server, 5);
    gate.resolve();
    await Promise.all(all);
    expect(state.calls).toBe(calls);
    // From now on, nobody waits for another.
    const next = Array.from({ length: 3 }, () => get(server.url));
    await Promise.all(next);
    expect(state.calls).toBe(calls + 3);
  });

  test('each gets its own variant', async () => {
    const gate = deferred();
    const server = await serve(async (request) => {
      await gate.promise;
      return answer(request.field('accept-language'), 200, [...FRESH, 'Vary', 'Accept-Language']);
    });
    const all = ['de', 'en', 'de'].map((language) => get(server.url, { 'Accept-Language': language }));
    await arrived(server, 3);
    gate.resolve();
    expect((await Promise.all(all)).map(({ text }) => text)).toEqual(['de', 'en', 'de']);
  });

  test('the first may leave: the others get the answer', async () => {
    const { gate, state, handler } = gated(() => answer('shared', 200, FRESH));
    const server = await serve(handler);
    const first = await RawClient.connect(server.port);
    first.send('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await arrived(server, 1);
    // Of the same authority.
    const others = await RawClient.connect(server.port);
    others.send('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await arrived(server, 2);
    first.reset();
    await pollUntil(() => server.server.connections === 1, { what: 'the end of the first at the server' });
    gate.resolve();
    expect((await others.response()).body).toBe('shared');
    expect(state).toEqual({ calls: 1, aborted: 0 });
  });

  test('the first may leave while its answer streams', async () => {
    const source = new TestSource();
    const server = await serve(() => streamed(source, FRESH));
    const first = await RawClient.connect(server.port);
    first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => source.sink);
    const other = await RawClient.connect(server.port);
    other.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await arrived(server, 2);
    source.sink!.data(Buffer.from('one '));
    await first.untilText('one ');
    first.reset();
    await pollUntil(() => server.server.connections === 1, { what: 'the end of the first at the server' });
    source.sink!.data(Buffer.from('two'));
    source.sink!.end();
    expect((await other.response()).body).toBe('one two');
    expect(source.cancelled).toBe(0);
    expect(source.takenBytes).toBe(7);
  });

  test('the first may take its time: the others do not wait for it', async () => {
    // More than the buffers of a socket take.
    const page = Buffer.alloc(16_000_000, 'x');
    const source = new TestSource();
    const server = await serve(() => streamed(source, FRESH), { size: '64mb', entrySize: '32mb' });
    const first = await RawClient.connect(server.port);
    first.socket.pause();
    first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => source.sink);
    const other = await RawClient.connect(server.port);
    other.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await arrived(server, 2);
    for (let at = 0; at < page.length; at += 1_000_000) {
      // It gives no more than one chunk that has not been taken.
      await pollUntil(() => source.takenBytes === at);
      source.sink!.data(page.subarray(at, at + 1_000_000));
    }
    source.sink!.end();
    expect((await other.response()).body).toHaveLength(page.length);
    first.socket.resume();
    expect((await first.response()).body).toHaveLength(page.length);
  });

  test('when all have left, the application is told', async () => {
    const { gate, state, handler } = gated(() => answer('shared', 200, FRESH));
    const server = await serve(handler);
    const clients = [await RawClient.connect(server.port), await RawClient.connect(server.port)];
    for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await arrived(server, 2);
    for (const client of clients) client.reset();
    await pollUntil(() => state.aborted === 1);
    gate.resolve();
  });

  test('when the only client of a stream leaves, it ends, and is not stored', async () => {
    const source = new TestSource();
    const server = await serve(() => streamed(source, FRESH));
    const client = await RawClient.connect(server.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => source.sink);
    client.reset();
    await pollUntil(() => source.cancelled === 1);
  });
});

test('a stream is stored while it is sent', async () => {
  let calls = 0;
  const { url } = await serve(() => {
    calls += 1;
    return streamed(
      new TestSource((sink) => {
        sink.data(Buffer.from('one '));
        setImmediate(() => {
          sink.data(Buffer.from('two'));
          sink.end();
        });
      }),
      FRESH,
    );
  });
  expect((await get(url)).text).toBe('one two');
  const again = await get(url);
  expect(again.text).toBe('one two');
  expect(again.headers.get('content-length')).toBe('7');
  expect(calls).toBe(1);
});

test('memory is bounded: what was not used leaves', async () => {
  const { url } = await serve((request) => answer(`${request.path}${'x'.repeat(20_000)}`, 200, FRESH), {
    size: '1mb',
  });
  for (let i = 0; i < 100; i++) await get(`${url}/${i}`);
  expect((await get(`${url}/0`)).cache).toContain('uri-miss');
  expect((await get(`${url}/99`)).cache).toContain('hit');
});

describe('a store of one’s own', () => {
  test('may be slow', async () => {
    const entries = new Map<string, StoredEntry>();
    const later = async <T>(value: T): Promise<T> =>
      await new Promise((resolve) => setImmediate(() => resolve(value)));
    const { handler, seen } = counting([...FRESH, 'Vary', 'Accept']);
    const { url } = await serve(handler, {
      store: {
        get: async (key) => structuredClone(await later(entries.get(key))),
        set: async (key, entry) => void entries.set(key, structuredClone(await later(entry))),
        delete: async (key) => void (await later(entries.delete(key))),
      },
    });
    await get(url);
    await pollUntil(() => entries.size === 2);
    expect((await get(url)).text).toBe('answer 1');
    expect(seen).toHaveLength(1);
  });

  test('may fail', async () => {
    const { handler } = counting(FRESH);
    const fail = (): never => {
      throw new Error('no store');
    };
    const { url } = await serve(handler, {
      store: { get: fail, set: () => Promise.reject(new Error('no')), delete: fail },
    });
    await get(url);
    expect((await get(url)).text).toBe('answer 2');
  });

  test('is checked', () => {
    expect(() => cache({ store: {} as never })).toThrow(
      'cache.store: expected an object with get, set and delete',
    );
  });
});
