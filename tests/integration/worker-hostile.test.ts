/**
 * The story of the attack: an application that was taken over (or a broken extension module) writes what it likes into the
 * worker's channels. The gateway believes nothing: the request that was running gets 502 or is cut off, the worker is killed
 * and replaced, and whoever comes next is served.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, pollUntil } from '../support/poll.js';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { startSite, wsgiFixtures, type Site } from '../support/wsgi-site.js';

const hostile = path.join(wsgiFixtures, 'hostile_worker.py');

let site: Site | undefined;

afterEach(async () => {
  await site?.stop(200);
  site = undefined;
});

async function startHostile(behaviour: string): Promise<Site> {
  site = await startSite({
    target: 'unused',
    python: hostile,
    env: { XGI_TEST_HOSTILE: behaviour },
    timeoutMs: 10_000,
  });
  return site;
}

/** The connection is served again, by another process. */
async function servedByAnother(from: Site, bad: number): Promise<void> {
  await pollUntil(async () => (await request(from.port, '/next')).body.toString().startsWith('good'), {
    what: 'a good worker',
  });
  expect(isAlive(bad), 'the bad worker is gone').toBe(false);
}

/** What the client of the request that the bad worker runs gets. */
const ANSWERED_502 = [
  'noise',
  'frame-too-long',
  'unknown-stream',
  'data-before-head',
  'end-before-head',
  'second-ready',
  'boot-error-when-ready',
  'file-before-head',
  'recalled-unknown',
  'recalled-twice',
];
const CUT_OFF = ['second-head', 'second-head-that-goes-on', 'recalled-after-head'];

describe('a worker that breaks the frame protocol', () => {
  test.each(ANSWERED_502)('%s: 502, and the worker is replaced', async (behaviour) => {
    const from = await startHostile(behaviour);
    const [bad] = from.supervisor.pids;
    const answer = await request(from.port, '/');
    expect(answer.status, from.log.text).toBe(502);
    expect(answer.complete).toBe(true);
    await servedByAnother(from, bad!);
    expect(from.log.text).toContain('XGI_WIRE_PROTOCOL');
  });

  test.each(CUT_OFF)(
    '%s: the answer is cut off, not ended, and the worker is replaced',
    async (behaviour) => {
      const from = await startHostile(behaviour);
      const [bad] = from.supervisor.pids;
      const client = new WsgiClient(from.port);
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const answer = await client.answer().catch(() => undefined);
      client.close();
      // Where nothing of the answer had left yet, the client may still be told so.
      if (answer?.status !== 502) expect(answer?.complete ?? false, answer?.rawBody.toString()).toBe(false);
      await servedByAnother(from, bad!);
    },
  );

  test('data-beyond-credit: memory is not filled for a client that takes nothing', async () => {
    const from = await startHostile('data-beyond-credit');
    const [bad] = from.supervisor.pids;
    const client = new WsgiClient(from.port, { readPaused: true });
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await servedByAnother(from, bad!);
    expect(from.log.text).toContain('beyond the credit');
    client.socket.resume();
    await client.ended;
    expect((await client.answer()).complete).toBe(false);
  });

  test.each(['file-and-end-at-once', 'file-and-data-at-once', 'file-twice'])(
    '%s: 502 or the whole file, and the worker is replaced',
    async (behaviour) => {
      const from = await startHostile(behaviour);
      const [bad] = from.supervisor.pids;
      const answer = await request(from.port, '/');
      expect([200, 502]).toContain(answer.status);
      expect(answer.complete).toBe(true);
      await servedByAnother(from, bad!);
    },
  );

  test('a POST that was claimed is not given to the next worker', async () => {
    const from = await startHostile('noise');
    const answer = await request(from.port, '/', { method: 'POST', body: 'x' });
    expect(answer.status).toBe(502);
  });

  test('data, then a file: the file is refused and the worker may send the bytes itself', async () => {
    const from = await startHostile('data-then-file');
    const client = new WsgiClient(from.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.includes('\r\n\r\n'));
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /);
    process.kill(from.supervisor.pids[0]!, 'SIGKILL');
    const answer = await client.answer();
    expect(answer.complete).toBe(false);
    expect(answer.body.toString()).toBe('x');
  });
});

describe('a head that must not reach a client', () => {
  test.each([
    'bad-status',
    'interim-status',
    'header-injection',
    'name-without-value',
    'hop-by-hop',
    'two-lengths',
    'less-than-content-length',
  ])('%s: 502 for this request, and the worker goes on', async (behaviour) => {
    const from = await startHostile(behaviour);
    const pids = from.supervisor.pids;
    const answer = await request(from.port, '/');
    expect(answer.status).toBe(502);
    expect(answer.head).not.toContain('Evil');
    expect((await request(from.port, '/next')).body.toString()).toBe(`good ${pids[0]}`);
    expect(from.supervisor.pids).toEqual(pids);
  });
});

describe('a process that is not the worker that was started', () => {
  test('the wrong token opens nothing: the start fails and leaves nothing running', async () => {
    await expect(startHostile('wrong-token')).rejects.toMatchObject({ code: 'XGI_WORKER_BOOT' });
  });

  test('a token opens each channel once: the second connection is destroyed, the first goes on', async () => {
    const from = await startHostile('token-used-twice');
    writeFileSync(path.join(from.directory, 'behave'), '');
    expect((await request(from.port, '/')).status).toBe(200);
  });

  test('READY before HELLO is a breach', async () => {
    await expect(startHostile('ready-too-early')).rejects.toMatchObject({ code: 'XGI_WORKER_BOOT' });
  });
});

describe('a worker that ends in a request', () => {
  test.each(['exit-0', 'exit-1', 'exit-3'])('%s: 502, and another is started', async (behaviour) => {
    const from = await startHostile(behaviour);
    expect((await request(from.port, '/')).status).toBe(502);
    writeFileSync(path.join(from.directory, 'behave'), '');
    await pollUntil(async () => (await request(from.port, '/next')).status === 200);
  });
});
