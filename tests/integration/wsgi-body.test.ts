/** Request bodies on their way to the application: in memory, in a file, chunked, cut off. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { listenOnly, spooledFiles, startSite, type Site } from '../support/wsgi-site.js';

let site: Site;

beforeAll(async () => {
  site = await startSite({ target: 'conformance:app' });
});

afterAll(async () => {
  await site?.stop();
});

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function notes(): string {
  const file = path.join(site.directory, 'notes');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

const KIB = 1024;
const SIZES = [1, 4096, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 300_000, 3 * KIB * KIB];

describe('a body arrives whole and with its true length', () => {
  test.each(
    SIZES.flatMap((size) => ['Content-Length', 'chunked'].map((framing) => [size, framing] as const)),
  )('%d bytes, %s', async (size, framing) => {
    const body = randomBytes(size);
    const client = new WsgiClient(site.port);
    client.send(
      `POST /describe_body?whole HTTP/1.1\r\nHost: a\r\n${framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`}\r\n\r\n`,
    );
    client.send(framing === 'chunked' ? chunked(body, 10_007) : body);
    const answer = await client.answer();
    expect(JSON.parse(answer.body.toString())).toEqual({
      length: size,
      sha256: createHash('sha256').update(body).digest('hex'),
      CONTENT_LENGTH: String(size),
      terminated: true,
      file: size > 64 * KIB,
    });
    // The connection goes on, and nothing is left behind.
    client.send('GET /one_block HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe('hello');
    expect(spooledFiles(site)).toEqual([]);
    client.close();
  });

  test('an empty chunked body', async () => {
    const client = new WsgiClient(site.port);
    client.send(
      'POST /describe_body?empty HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(JSON.parse((await client.answer()).body.toString())).toMatchObject({
      length: 0,
      CONTENT_LENGTH: '0',
    });
    client.close();
  });

  test('with Expect: 100-continue', async () => {
    const client = new WsgiClient(site.port);
    client.send(
      'POST /describe_body?expect HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n',
    );
    expect((await client.answer()).status).toBe(100);
    client.send(Buffer.alloc(100_000, 'x'));
    expect(JSON.parse((await client.answer()).body.toString())).toMatchObject({ length: 100_000 });
    client.close();
  });

  test('from several clients at once', async () => {
    const bodies = Array.from({ length: 10 }, () => randomBytes(200_000));
    const answers = await Promise.all(
      bodies.map((body) => request(site.port, '/describe_body?several', { method: 'POST', body })),
    );
    const digests = answers.map(
      (answer) => (JSON.parse(answer.body.toString()) as { sha256: string }).sha256,
    );
    expect(digests).toEqual(bodies.map((body) => createHash('sha256').update(body).digest('hex')));
    expect(spooledFiles(site)).toEqual([]);
  });
});

describe('the file of a large body', () => {
  test('is private, and is there until the application is done', async () => {
    const answer = request(site.port, '/keeps_body?look', { method: 'POST', body: 'x'.repeat(100_000) });
    await pollUntil(() => notes().includes('keeps body'));
    const [name] = spooledFiles(site);
    const folder = site.supervisor.folder;
    expect(statSync(path.join(folder, name!)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    writeFileSync(path.join(site.directory, 'look'), '');
    expect((await answer).body.toString()).toBe('100000');
    expect(spooledFiles(site)).toEqual([]);
  });

  test.each(['/ignores_body', '/raises', '/file_pipe'])('is removed after %s', async (target) => {
    await request(site.port, target, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(spooledFiles(site)).toEqual([]);
  });
});

describe('an upload that is cut off', () => {
  test.each([
    ['half of a large one', 200_000, 'Content-Length: 400000'],
    ['in its first piece', 70_000, 'Content-Length: 400000'],
    ['half of a small one', 100, 'Content-Length: 200'],
    ['in the middle of a chunk', 150_000, 'Transfer-Encoding: chunked'],
  ])('%s: nothing is run, nothing is left', async (_what, sent, framing) => {
    const before = notes().length;
    for (const end of ['reset', 'close'] as const) {
      const client = new WsgiClient(site.port);
      client.send(`POST /describe_body?cut HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
      client.send(`${framing.startsWith('T') ? '30000\r\n' : ''}${'x'.repeat(sent)}`);
      await pollUntil(() => client.socket.writableLength === 0);
      client[end]();
    }
    await pollUntil(() => site.server.connections === 0);
    await request(site.port, '/one_block');
    await pollUntil(() => spooledFiles(site).length === 0);
    expect(notes().length).toBe(before);
  });

  test('a body over the limit is refused before it is read', async () => {
    const small = await startSite({ target: 'conformance:app', limits: { maxBodyBytes: 100_000 } });
    try {
      const client = new WsgiClient(small.port);
      client.send('POST /describe_body?large HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n');
      expect((await client.answer()).status).toBe(413);
      client.close();
      const other = new WsgiClient(small.port);
      other.send('POST /describe_body?large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
      other.send(chunked(Buffer.alloc(100_001), 50_000));
      expect((await other.answer()).status).toBe(413);
      other.close();
      await pollUntil(() => spooledFiles(small).length === 0);
      expect(existsSync(path.join(small.directory, 'notes'))).toBe(false);
    } finally {
      await small.stop();
    }
  });
});

test('a large body that comes before the workers are started waits for them', async () => {
  const early = await listenOnly({ target: 'conformance:app' });
  try {
    const answer = request(early.port, '/describe_body?early', { method: 'POST', body: 'x'.repeat(200_000) });
    await pollUntil(() => spooledFiles(early).length === 1);
    await early.supervisor.start();
    expect(JSON.parse((await answer).body.toString())).toMatchObject({ length: 200_000 });
  } finally {
    await early.stop();
  }
});
