/** What PEP 3333 says of answers, rule by rule, over real HTTP: `conformance.py` does each thing right or wrong. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { WsgiClient, request, type RawAnswer } from '../support/wsgi-client.js';
import { startSite, type Site } from '../support/wsgi-site.js';

let site: Site;

beforeAll(async () => {
  site = await startSite({ target: 'conformance:app' });
});

afterAll(async () => {
  await site?.stop();
});

const get = (target: string, method = 'GET'): Promise<RawAnswer> => request(site.port, target, { method });

const inSite = (name: string): string => path.join(site.directory, name);

function notes(): string {
  return existsSync(inSite('notes')) ? readFileSync(inSite('notes'), 'utf8') : '';
}

async function expectNote(text: string, times = 1): Promise<void> {
  await pollUntil(
    () =>
      notes()
        .split('\n')
        .filter((line) => line === text).length >= times,
    { what: `the note "${text}"` },
  );
  expect(
    notes()
      .split('\n')
      .filter((line) => line === text),
  ).toHaveLength(times);
}

/** The failure was of this request only: the same worker answers the next. */
async function expectStillServed(pids: readonly number[]): Promise<void> {
  expect((await get('/one_block')).body.toString()).toBe('hello');
  expect(site.supervisor.pids).toEqual(pids);
}

/** Sends requests on one connection, one after the other, and returns the connection. */
async function onOneConnection(targets: readonly string[], each: (answer: RawAnswer) => void): Promise<void> {
  const client = new WsgiClient(site.port);
  for (const target of targets) {
    client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    each(await client.answer());
  }
  client.close();
}

describe('start_response', () => {
  test.each([
    ['/no_start_response', 'start_response'],
    ['/yields_before_start_response', 'start_response'],
    ['/start_response_twice', 'second time without exc_info'],
    ...['none', 'number', 'bytes', 'short', 'word', 'interim', 'switching', 'large', 'line', 'wide'].map(
      (name) => [`/status_variants?${name}`, 'status'],
    ),
    ...['cr', 'lf', 'nul', 'name', 'colon', 'emptyname', 'bytes', 'number', 'wide', 'tuple', 'list'].map(
      (name) => [`/header_variants?${name}`, 'header'],
    ),
    ...['connection', 'keepalive', 'te', 'upgrade'].map((name) => [`/header_variants?${name}`, 'hop-by-hop']),
    ...['length', 'negative', 'lengths'].map((name) => [`/header_variants?${name}`, 'Content-Length']),
  ])('%s: 500 for this request only, the log says why', async (target, reason) => {
    const { pids } = site.supervisor;
    const before = site.log.records.length;
    const answer = await get(target);
    expect(answer.status).toBe(500);
    expect(answer.complete).toBe(true);
    expect(answer.head).not.toContain('Evil');
    expect(answer.body.toString()).not.toContain(reason);
    const record = site.log.records.slice(before).find(({ message }) => message.startsWith('XGI_APP_RAISED'));
    expect(record?.message).toContain(reason);
    await expectStillServed(pids);
  });

  test.each([
    ['/status_variants?latin', 'HTTP/1.1 200 caf\u00e9\r\n'],
    ['/status_variants?empty', 'HTTP/1.1 299 \r\n'],
    ['/header_variants?latin', 'X-A: caf\u00e9\r\n'],
    ['/header_variants?tab', 'X-A: a\tb\r\n'],
    ['/header_variants?repeated', 'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n'],
    ['/header_variants?emptyvalue', /X-A: ?\r\n/],
  ])('%s is sent as it is', async (target, expected) => {
    const answer = await get(target);
    expect(`${answer.head}\r\n`).toMatch(expected);
    expect(answer.body.toString()).toBe('x');
  });

  test('may be called by the generator, after blocks without bytes', async () => {
    expect((await get('/start_response_in_generator')).body.toString()).toBe('ok');
    expect((await get('/start_response_late')).body.toString()).toBe('late');
  });

  test('with exc_info before the head went out replaces status and fields', async () => {
    const answer = await get('/exc_info_before_head');
    expect(answer.head).toMatch(/^HTTP\/1\.1 503 Mended\r\n/);
    expect(answer.headers.has('x-first')).toBe(false);
    expect(answer.headers.get('x-second')).toBe('yes');
    expect(answer.body.toString()).toBe('replaced');
  });

  test('with exc_info after the head raises it again, and the answer is cut off', async () => {
    const answer = await get('/exc_info_after_head');
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('sent');
    expect(answer.complete).toBe(false);
    await expectNote('raised after the head');
  });
});

describe('length and framing', () => {
  test.each([
    ['/one_block', 'hello'],
    ['/blocks_of_list', 'one two'],
    ['/empty_list', ''],
  ])('%s: Content-Length is inferred, on a connection that goes on', async (target, body) => {
    await onOneConnection([target, target], (answer) => {
      expect(answer.headers.get('content-length')).toBe(String(body.length));
      expect(answer.headers.has('transfer-encoding')).toBe(false);
      expect(answer.body.toString()).toBe(body);
    });
  });

  test('a generator is chunked for HTTP/1.1', async () => {
    await onOneConnection(['/one_block_of_generator', '/one_block'], (answer) =>
      expect(answer.body.toString()).toBe('hello'),
    );
    const answer = await get('/one_block_of_generator');
    expect(answer.headers.get('transfer-encoding')).toBe('chunked');
  });

  test('a generator ends with the connection for HTTP/1.0', async () => {
    const client = new WsgiClient(site.port);
    client.send('GET /one_block_of_generator HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await client.ended;
    expect(client.text).toMatch(/\r\n\r\nhello$/);
    expect(client.text).not.toMatch(/transfer-encoding/i);
    client.close();
  });

  test.each(['/too_much', '/too_much_in_one', '/write_too_much'])(
    '%s: nothing goes out beyond Content-Length',
    async (target) => {
      await onOneConnection([target, '/one_block'], (answer) =>
        expect(answer.body.toString()).toMatch(/^(12345|hello)$/),
      );
      await site.log.waitFor(/longer than its Content-Length of 5/);
    },
  );

  test.each(['/too_little', '/too_little_of_generator'])(
    '%s: the connection is cut, so that the client knows',
    async (target) => {
      const { pids } = site.supervisor;
      const client = new WsgiClient(site.port);
      client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\nGET /one_block HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.ended;
      expect(client.text).not.toContain('hello');
      // Never complete: less than was announced, or a failure instead.
      expect(client.text).toMatch(/^(HTTP\/1\.1 200 [^]*\r\n\r\n[1-5]*|HTTP\/1\.1 50[02] [^]*)?$/);
      client.close();
      await expectStillServed(pids);
    },
  );

  test('too_little_is_nothing: a failure can still be told', async () => {
    expect((await get('/too_little_is_nothing')).status).toBe(500);
  });

  test.each([
    '/one_block',
    '/blocks_of_list',
    '/one_block_of_generator',
    '/write_callable?head',
    '/file_whole',
    '/too_much',
  ])('HEAD %s: the head of GET and no byte of a body', async (target) => {
    writeFileSync(inSite('head'), '');
    writeFileSync(inSite('file'), 'x'.repeat(3000));
    const client = new WsgiClient(site.port);
    client.send(`HEAD ${target} HTTP/1.1\r\nHost: a\r\n\r\nGET /one_block HTTP/1.1\r\nHost: a\r\n\r\n`);
    const head = await client.answer('HEAD');
    expect(head.status).toBe(200);
    const next = await client.answer();
    expect(next.body.toString()).toBe('hello');
    client.close();
    const full = await get(target);
    const length = head.headers.get('content-length');
    if (length !== undefined) expect(length).toBe(full.headers.get('content-length'));
  });

  test.each(['204 No Content', '304 Not Modified'])(
    '%s has no body and no length of it, and is closed by close()',
    async (status) => {
      const before = notes().split('closed with_status').length;
      const target = `/with_status?${status.replaceAll(' ', '+')}`;
      await onOneConnection([target, '/one_block'], (answer) => {
        if (answer.status === 200) expect(answer.body.toString()).toBe('hello');
        else {
          expect(`HTTP/1.1 ${status}`).toBe(answer.head.split('\r\n')[0]);
          expect(answer.headers.has('content-length')).toBe(false);
          expect(answer.headers.has('transfer-encoding')).toBe(false);
        }
      });
      expect(notes().split('closed with_status').length).toBe(before + 1);
    },
  );

  test('304 may say the length that 200 would have', async () => {
    await onOneConnection(['/no_content_length_with_304', '/one_block'], (answer) => {
      if (answer.status === 304) expect(answer.headers.get('content-length')).toBe('100');
      else expect(answer.body.toString()).toBe('hello');
    });
  });

  test('a large block arrives whole', async () => {
    const length = 5_000_192;
    const answer = await get(`/large?${length}`);
    expect(answer.headers.get('content-length')).toBe(String(length));
    expect(answer.body.length).toBe(length);
    expect(answer.body.every((byte, i) => byte === (i & 0xff))).toBe(true);
  });
});

describe('streaming', () => {
  test.each(['/one_block_of_generator', '/gated?first'])(
    '%s: the head leaves with the first bytes, not before',
    async (target) => {
      for (let i = 0; i < 3; i++) writeFileSync(inSite(`first-${i}`), '');
      const client = new WsgiClient(site.port);
      client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const text = await client.until((received) => received.length > 0);
      expect(text).toMatch(/\r\n\r\n[0-9a-f]+\r\n(hello|block 0;)/);
      client.close();
    },
  );

  test('each block of a generator is with the client before the next is made', async () => {
    const client = new WsgiClient(site.port);
    client.send('GET /gated?go HTTP/1.1\r\nHost: a\r\n\r\n');
    for (let i = 0; i < 3; i++) {
      await client.until((text) => text.includes(`block ${i};`));
      expect(client.text).not.toContain(`block ${i + 1};`);
      writeFileSync(inSite(`go-${i}`), '');
    }
    expect((await client.answer()).complete).toBe(true);
    client.close();
  });

  test('what write() was given is with the client when it returns', async () => {
    const client = new WsgiClient(site.port);
    client.send('GET /write_callable?write HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.includes('one;'));
    expect(client.text).not.toContain('two;');
    writeFileSync(inSite('write'), '');
    expect((await client.answer()).body.toString()).toBe('one;two;three');
    client.close();
  });

  test('write() of no bytes does not send the head', async () => {
    const answer = await get('/write_without_head_bytes');
    expect(answer.headers.get('x-second')).toBe('yes');
    expect(answer.headers.has('x-first')).toBe(false);
  });
});

describe('failures', () => {
  test.each([
    ['/raises', "KeyError: 'caf\u00e9'"],
    ['/raises_after_start_response', 'after start_response'],
    ['/raises_in_first_block', 'in the first block'],
    ['/returns_none', 'iterable'],
    ['/returns_str', 'str'],
    ['/yields_str', 'bytes'],
    ['/write_str', 'bytes'],
    ['/exits', 'SystemExit'],
    ['/interrupts', 'KeyboardInterrupt'],
  ])('%s: 500, the traceback in the log and not with the client', async (target, reason) => {
    const { pids } = site.supervisor;
    const before = site.log.records.length;
    const answer = await get(target);
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('Traceback');
    const record = site.log.records
      .slice(before)
      .find(({ message }) => message.startsWith('XGI_APP_RAISED'))!;
    expect(record.message + record.fields['detail']).toContain(reason);
    expect(answer.body.toString()).toContain(record.fields['requestId']);
    await expectStillServed(pids);
  });

  test('after the first block: the answer is cut off, and close() is called once', async () => {
    const answer = await get('/raises_in_second_block');
    expect(answer.body.toString()).toBe('first');
    expect(answer.complete).toBe(false);
    await expectNote('closed raises_in_second_block');
    await site.log.waitFor(/in the second block/);
  });

  test('in close(): the answer is complete, the log has the traceback', async () => {
    const answer = await get('/raises_in_close');
    expect(answer.complete).toBe(true);
    expect(answer.body.toString()).toBe('all of it');
    await site.log.waitFor(/RuntimeError: in close/);
  });

  test('close() is called once for an answer that goes well', async () => {
    expect((await get('/closes')).body.toString()).toBe('ab');
    await expectNote('closed closes');
  });
});

describe('wsgi.file_wrapper', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

  beforeAll(() => {
    writeFileSync(inSite('file'), content);
    writeFileSync(inSite('small'), 'the file');
  });

  test.each([
    ['/file_whole', content],
    ['/file_from_the_middle', content.subarray(100_010)],
    ['/file_with_length', content.subarray(0, 1000)],
    ['/file_temporary', Buffer.from('temporary'.repeat(1000))],
    ['/file_deleted', Buffer.from('deleted'.repeat(1000))],
    ['/file_replaced', Buffer.from('old')],
    ['/file_empty', Buffer.alloc(0)],
  ])('%s: sent with its length, on a connection that goes on', async (target, expected) => {
    const client = new WsgiClient(site.port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\nGET /one_block HTTP/1.1\r\nHost: a\r\n\r\n`);
    const answer = await client.answer();
    expect(answer.headers.get('content-length')).toBe(String(expected.length));
    expect(answer.body.equals(expected)).toBe(true);
    expect((await client.answer()).body.toString()).toBe('hello');
    client.close();
  });

  test.each([
    ['/file_pipe', 'through a pipe'],
    ['/file_like', '2;1;0;'],
    ['/file_after_write', 'before;the file'],
  ])('%s: sent by the worker', async (target, expected) => {
    const answer = await get(target);
    expect(answer.body.toString()).toBe(expected);
    expect(answer.complete).toBe(true);
  });

  test('close() of the file is called', async () => {
    const before = notes().split('file-like closed').length;
    await get('/file_like');
    await pollUntil(() => notes().split('file-like closed').length > before);
  });

  test('a file that is shorter than Content-Length is no complete answer', async () => {
    const answer = await get('/file_too_short').catch(() => undefined);
    if (answer !== undefined && answer.status < 500) expect(answer.complete).toBe(false);
  });

  test('the gateway sends it: the worker answers others while a slow client takes a large file', async () => {
    writeFileSync(inSite('file'), Buffer.alloc(32 * 1024 * 1024, 'f'));
    const slow = new WsgiClient(site.port, { readPaused: true });
    slow.send('GET /file_whole HTTP/1.1\r\nHost: a\r\n\r\n');
    for (let i = 0; i < 20; i++) expect((await get('/one_block')).status).toBe(200);
    slow.socket.resume();
    const answer = await slow.answer();
    expect(answer.body.length).toBe(32 * 1024 * 1024);
    slow.close();
  });
});

describe('threads', () => {
  test('run as many requests at a time as --threads says', async () => {
    const threaded = await startSite({ target: 'conformance:app', threads: 4 });
    try {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => request(threaded.port, '/meets_three_others')),
      );
      expect(answers.map((answer) => answer.body.toString())).toEqual(
        Array.from({ length: 8 }, () => 'True'),
      );
    } finally {
      await threaded.stop();
    }
  });
});
