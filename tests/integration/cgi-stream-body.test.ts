/** --cgi-stream-body: programs read large request bodies while they arrive. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allGone, CgiSite, descriptorsOf, makeCgi, rssOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { WsgiClient } from '../support/wsgi-client.js';

interface Echo {
  readonly CONTENT_LENGTH: string | null;
  readonly HTTP_TRANSFER_ENCODING: string | null;
  readonly length: number;
  readonly sha256: string;
}

const STREAM = '--cgi-stream-body';
const MIB = 1_048_576;
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function beginUpload(client: WsgiClient, target: string, length: number | 'chunked', method = 'POST'): void {
  const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  client.send(`${method} ${target} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
}

function sendChunks(client: WsgiClient, body: Buffer, size = 50_000): void {
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    client.send(`${chunk.length.toString(16)}\r\n`);
    client.send(chunk);
    client.send('\r\n');
  }
}

describe.each([
  { runner: 'forked from a warm interpreter', flags: [], hasPython: true, isWarm: true },
  { runner: 'executed by the launcher', flags: ['--no-cgi-warm'], hasPython: true, isWarm: false },
  { runner: 'without Python', flags: [], hasPython: false, isWarm: false },
])('programs $runner', ({ flags, hasPython, isWarm }) => {
  const site = new CgiSite();

  beforeAll(async () => {
    await (hasPython ? site.start([STREAM, ...flags]) : site.startWithoutPython([STREAM, ...flags]));
    if (isWarm) await site.untilWarm();
  });
  afterAll(() => site.destroy());

  afterEach(async () => {
    await site.untilNoProgram();
    await site.untilIdle();
    expect(site.spooled()).toEqual([]);
  });

  test.each([1, 65_536, 65_537, 200_000, 5_000_000])(
    '%d bytes with Content-Length arrive, with their number',
    async (size) => {
      const body = randomBytes(size);
      const answer = await site.get('/echoes-body.py', { method: 'POST', body });
      const echo = JSON.parse(answer.body.toString()) as Echo;
      expect(echo).toMatchObject({ CONTENT_LENGTH: String(size), length: size, sha256: sha256(body) });
    },
  );

  test.each([1, 65_536, 65_537, 200_000, 5_000_000])(
    '%d bytes in chunks arrive; the length is told of what is not streamed',
    async (size) => {
      const body = randomBytes(size);
      const client = new WsgiClient(site.port);
      beginUpload(client, '/echoes-body.py', 'chunked');
      sendChunks(client, body);
      client.send('0\r\nX-Trailer: dropped\r\n\r\n');
      const echo = JSON.parse((await client.answer()).body.toString()) as Echo;
      expect(echo).toMatchObject({
        CONTENT_LENGTH: size <= 65_536 ? String(size) : null,
        HTTP_TRANSFER_ENCODING: null,
        length: size,
        sha256: sha256(body),
      });
      // The connection is good for the next one.
      client.send('GET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await client.answer()).body.toString()).toBe('hello from sh\n');
      client.close();
    },
  );

  test('the program reads what has come, before the rest has been sent', async () => {
    const client = new WsgiClient(site.port);
    beginUpload(client, '/watches-input.py?early', 'chunked');
    sendChunks(client, Buffer.alloc(100_000));
    await pollUntil(() => site.notes('early').at(-1) === '100000');
    sendChunks(client, Buffer.alloc(1));
    await pollUntil(() => site.notes('early').at(-1) === '100001');
    client.send('0\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe('begun\nread 100001\n');
    expect(site.notes('early').at(-1)).toBe('end');
    client.close();
  });

  test('a slow client of a small body holds up nobody, as without it', async () => {
    const client = new WsgiClient(site.port);
    beginUpload(client, '/watches-input.py?small', 65_536);
    client.send(Buffer.alloc(65_535));
    expect((await site.get('/hello.sh')).status).toBe(200);
    expect(site.notes('small')).toEqual([]);
    client.send('x');
    expect((await client.answer()).status).toBe(200);
    client.close();
  });

  test('an answer begins before the body is over, and both stream', async () => {
    site.program('echoes.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nexec cat\n');
    const body = randomBytes(3 * MIB);
    const client = new WsgiClient(site.port);
    beginUpload(client, '/echoes.sh', body.length);
    client.send(body.subarray(0, 100_000));
    await client.until((text) => text.length > 100_000);
    client.send(body.subarray(100_000));
    const answer = await client.answer();
    expect([answer.complete, sha256(answer.body)]).toEqual([true, sha256(body)]);
    client.close();
  });

  test('a program that has yet to read holds the client back, in bounded memory', async () => {
    site.program(
      'reads-later.sh',
      '#!/bin/sh\necho $$ >> ../notes/later\nwhile ! [ -e ../notes/read ]; do sleep 0.01; done\nprintf "Content-Type: text/plain\\n\\n"\nexec wc -c\n',
    );
    const size = 50 * MIB;
    // The code is compiled, the buffers are there.
    await site.get('/echoes-body.py', { method: 'POST', body: Buffer.alloc(10 * MIB) });
    const before = rssOf(site.server.pid);
    const client = new WsgiClient(site.port);
    beginUpload(client, '/reads-later.sh', 'chunked');
    sendChunks(client, Buffer.alloc(size), MIB);
    client.send('0\r\n\r\n');
    await pollUntil(() => site.notes('later').length === 1);
    let left = -1;
    await pollUntil(
      () => {
        const was = left;
        left = client.socket.writableLength;
        return left === was;
      },
      { everyMs: 100 },
    );
    expect(left).toBeGreaterThan(size / 2);
    site.letGo('read');
    let highest = 0;
    const sampling = setInterval(() => (highest = Math.max(highest, rssOf(site.server.pid))), 5);
    expect((await client.answer()).body.toString().trim()).toBe(String(size));
    clearInterval(sampling);
    expect((highest - before) / MIB).toBeLessThan(20);
    client.close();
  });

  test('a program that does not read a body of 20 MB answers all the same', async () => {
    const answer = await site.get('/hello.sh', { method: 'POST', body: Buffer.alloc(20_000_000) });
    expect(answer.body.toString()).toBe('hello from sh\n');
  });

  test('what nobody reads is dropped, while the program goes on', async () => {
    site.program(
      'closes-input.sh',
      '#!/bin/sh\nexec <&-\nwhile ! [ -e ../notes/closed ]; do sleep 0.01; done\nprintf "Content-Type: text/plain\\n\\nclosed"\n',
    );
    const client = new WsgiClient(site.port);
    beginUpload(client, '/closes-input.sh', 20_000_000);
    client.send(Buffer.alloc(20_000_000));
    await pollUntil(() => client.socket.writableLength === 0, { what: 'all to be sent' });
    site.letGo('closed');
    expect((await client.answer()).body.toString()).toBe('closed');
    client.send('GET /hello.sh HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe('hello from sh\n');
    client.close();
  });

  test.each([
    ['204', 'Status: 204\\n\\n', 204, ''],
    ['of a known length', 'Content-Type: text/plain\\nContent-Length: 4\\n\\ndone', 200, 'done'],
    ['that ends before', 'Content-Type: text/plain\\n\\ndone', 200, 'done'],
    ['local-redirect', 'Location: /hello.sh\\n\\n', 200, 'hello from sh\n'],
  ])('a program reads on behind an answer: %s', async (name, printed, status, text) => {
    site.program(
      'answers-first.sh',
      `#!/bin/sh\nprintf '${printed}'\nexec >&-\nwc -c >> '../notes/after ${name}'\n`,
    );
    const client = new WsgiClient(site.port);
    beginUpload(client, '/answers-first.sh', 2_000_000);
    client.send(Buffer.alloc(1_000_000));
    await pollUntil(async () => (await site.running()).length === 1);
    client.send(Buffer.alloc(1_000_000));
    const answer = await client.answer();
    expect([answer.status, answer.complete, answer.body.toString()]).toEqual([status, true, text]);
    await pollUntil(() => site.notes(`after ${name}`)[0]?.trim() === '2000000');
    client.close();
  });

  describe('a body that breaks off ends the program, which sees no end of it:', () => {
    async function upload(name: string): Promise<WsgiClient> {
      const client = new WsgiClient(site.port);
      beginUpload(client, `/watches-input.py?${name}`, 'chunked');
      sendChunks(client, Buffer.alloc(300_000));
      await pollUntil(() => site.notes(name.replace('&head', '')).at(-1) === '300000');
      return client;
    }

    async function endedUnseen(name: string): Promise<void> {
      await allGone([Number(site.notes(name)[0])]);
      expect(site.notes(name)).not.toContain('end');
    }

    test('the client is reset', async () => {
      (await upload('reset')).reset();
      await endedUnseen('reset');
    });

    test('the client closes', async () => {
      (await upload('close')).close();
      await endedUnseen('close');
    });

    test('the client half-closes', async () => {
      const client = await upload('half');
      client.socket.end();
      expect((await client.answer()).status).toBe(400);
      await endedUnseen('half');
    });

    test('the framing is broken: 400', async () => {
      const client = await upload('framing');
      client.send('no length\r\n');
      expect((await client.answer()).status).toBe(400);
      await endedUnseen('framing');
    });

    test('the framing is broken in the middle of the answer, which is cut', async () => {
      const client = await upload('cut&head');
      await client.until((text) => text.includes('begun'));
      client.send('no length\r\n');
      expect(await client.answer()).toMatchObject({ status: 200, complete: false });
      await endedUnseen('cut');
    });
  });

  test('nothing is left of uploads of all kinds', async () => {
    const pids = [site.server.pid, ...(hasPython ? await site.launcherPids() : [])];
    const before = pids.map(descriptorsOf);
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const client = new WsgiClient(site.port);
        beginUpload(client, i % 4 === 0 ? '/hello.sh' : '/echoes-body.py', 400_000);
        client.send(Buffer.alloc(i % 4 === 1 ? 100_000 : 400_000));
        if (i % 4 === 1) await pollUntil(() => client.socket.writableLength === 0);
        else expect((await client.answer()).status).toBe(200);
        client.reset();
      }),
    );
    await site.untilIdle();
    await pollUntil(() => pids.every((pid, i) => descriptorsOf(pid) <= before[i]! + 1), {
      what: 'the end of the descriptors',
    });
  });
});

describe.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s', (_name, fallback) => {
  function start(flags: readonly string[]): Promise<CgiSite> {
    const site = makeCgi();
    return fallback ? site.startWithoutPython([STREAM, ...flags]) : site.start([STREAM, ...flags]);
  }

  test('--max-body-size: 413 in the middle, and the program is ended without an end', async () => {
    const site = await start(['--max-body-size', '1mb']);
    const client = new WsgiClient(site.port);
    beginUpload(client, '/watches-input.py?large', 'chunked');
    sendChunks(client, Buffer.alloc(300_000));
    await pollUntil(() => site.notes('large').at(-1) === '300000');
    sendChunks(client, Buffer.alloc(1_000_000));
    expect((await client.answer()).status).toBe(413);
    await allGone([Number(site.notes('large')[0])]);
    expect(site.notes('large')).not.toContain('end');
    client.close();
  });

  test('--cgi-idle-timeout is for programs, not for their clients', async () => {
    const site = await start(['--cgi-idle-timeout', '1s']);
    const client = new WsgiClient(site.port);
    beginUpload(client, '/watches-input.py?slow', 'chunked');
    sendChunks(client, Buffer.alloc(100_000));
    await pollUntil(() => site.notes('slow').at(-1) === '100000');
    // No event tells of what does not happen.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    client.send('0\r\n\r\n');
    expect((await client.answer()).status).toBe(200);

    beginUpload(client, '/hold.sh?never', 20_000_000);
    client.send(Buffer.alloc(20_000_000));
    expect((await client.answer()).status).toBe(504);
    await site.untilNoProgram();
    client.close();
  });
});
