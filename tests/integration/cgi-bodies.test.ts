/** Request bodies: what a program is told of them, what it reads, and what happens if it does not. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite, descriptorsOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { WsgiClient } from '../support/wsgi-client.js';

interface Echo {
  readonly CONTENT_LENGTH: string | null;
  readonly HTTP_TRANSFER_ENCODING: string | null;
  readonly length: number;
  readonly sha256: string;
}

const SIZES = [0, 1, 4095, 65_535, 65_536, 65_537, 200_000, 5_000_000];
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s', (_name, fallback) => {
  const site = new CgiSite();

  beforeAll(() => (fallback ? site.startWithoutPython() : site.start()));
  afterAll(() => site.destroy());

  test.each(SIZES)('%d bytes with Content-Length arrive, with their number', async (size) => {
    const body = randomBytes(size);
    const answer = await site.get('/echoes-body.py', { method: 'POST', body });
    const echo = JSON.parse(answer.body.toString()) as Echo;
    expect(echo).toMatchObject({ CONTENT_LENGTH: String(size), length: size, sha256: sha256(body) });
    await site.untilNothingSpooled();
  });

  test.each(SIZES)('%d bytes in chunks arrive with a CONTENT_LENGTH', async (size) => {
    const body = randomBytes(size);
    const client = new WsgiClient(site.port);
    client.send('POST /echoes-body.py HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let at = 0; at < size; at += 50_000) {
      const chunk = body.subarray(at, at + 50_000);
      client.send(`${chunk.length.toString(16)}\r\n`);
      client.send(chunk);
      client.send('\r\n');
    }
    client.send('0\r\nX-Trailer: dropped\r\n\r\n');
    const echo = JSON.parse((await client.answer()).body.toString()) as Echo;
    expect(echo).toMatchObject({
      CONTENT_LENGTH: String(size),
      HTTP_TRANSFER_ENCODING: null,
      length: size,
      sha256: sha256(body),
    });
    client.close();
  });

  test('without a body there is no CONTENT_LENGTH, and nothing to read', async () => {
    const echo = JSON.parse((await site.get('/echoes-body.py')).body.toString()) as Echo;
    expect(echo).toMatchObject({ CONTENT_LENGTH: null, length: 0 });
  });

  test.each([10, 65_536, 1_000_000])(
    'a program that does not read %d bytes of a body answers all the same',
    async (size) => {
      const client = new WsgiClient(site.port);
      for (let i = 0; i < 3; i++) {
        client.send(`POST /hello.sh HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
        client.send(Buffer.alloc(size));
        expect((await client.answer()).body.toString()).toBe('hello from sh\n');
      }
      client.close();
      await site.untilIdle();
      await site.untilNothingSpooled();
    },
  );

  test('a program that closes its input early is not hurt, nor is the next one', async () => {
    site.program('closes-input.sh', '#!/bin/sh\nexec <&-\nprintf "Content-Type: text/plain\\n\\nclosed"\n');
    for (const size of [65_536, 300_000])
      expect(
        (await site.get('/closes-input.sh', { method: 'POST', body: Buffer.alloc(size) })).body.toString(),
      ).toBe('closed');
    expect((await site.get('/hello.sh')).status).toBe(200);
  });

  test('a slow client holds up nobody: its program starts when the body is there', async () => {
    const client = new WsgiClient(site.port);
    client.send('POST /hold.sh?slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo');
    expect((await site.get('/hello.sh')).status).toBe(200);
    expect(site.notes('runs')).toEqual([]);
    client.send('dy');
    await pollUntil(() => site.notes('runs').length === 1);
    site.letGo('slow');
    expect((await client.answer()).status).toBe(200);
    client.close();
  });

  test('Expect: 100-continue is answered before the body is read', async () => {
    const client = new WsgiClient(site.port);
    client.send(
      'POST /echoes-body.py HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
    );
    await client.until((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    expect((await client.answer()).status).toBe(100);
    client.send('body');
    expect((await client.answer()).body.toString()).toContain('"start": "body"');
    client.close();
  });

  test('100 bodies leave no descriptor and no file', async () => {
    if (!fallback) await site.untilWarm();
    await site.untilIdle();
    const pids = [site.server.pid, ...(fallback ? [] : await site.launcherPids())];
    const before = pids.map(descriptorsOf);
    for (let round = 0; round < 10; round++)
      await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          site.get(i % 3 === 0 ? '/hello.sh' : '/echoes-body.py', {
            method: 'POST',
            body: Buffer.alloc(i * 20_000),
          }),
        ),
      );
    await site.untilIdle();
    await pollUntil(() => pids.every((pid, i) => descriptorsOf(pid) <= before[i]! + 1), {
      what: 'the end of the descriptors',
    });
    await site.untilNothingSpooled();
  });
});

test('--max-body-size: 413, and no program is started', async () => {
  const site = new CgiSite();
  try {
    await site.start(['--max-body-size', '1000']);
    site.letGo('big');
    const answer = await site.get('/hold.sh?big', { method: 'POST', body: Buffer.alloc(1001) });
    expect([answer.status, site.notes('runs')]).toEqual([413, []]);
  } finally {
    await site.destroy();
  }
});
