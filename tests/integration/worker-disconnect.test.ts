/** Clients that go away before they are answered: what waits is not run, what runs is freed, what streams is closed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { spooledFiles, startSite, type Site, type SiteOptions } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function start(target: string, options: Partial<SiteOptions> = {}): Promise<void> {
  site = await startSite({ target, ...options });
}

const inSite = (name: string): string => path.join(site.directory, name);

function lines(name: string): string[] {
  return existsSync(inSite(name)) ? readFileSync(inSite(name), 'utf8').trimEnd().split('\n') : [];
}

function send(text: string): WsgiClient {
  const client = new WsgiClient(site.port);
  client.send(text);
  return client;
}

describe('while the request waits', () => {
  test.each([
    ['in the queue', false],
    ['in the hand of a worker, behind a slow one', true],
  ])('%s: it is never run', async (_where, warm) => {
    await start('records_runs:app');
    if (warm) {
      const client = new WsgiClient(site.port);
      for (let i = 0; i < 200; i++) {
        client.send('GET /quick?warm HTTP/1.1\r\nHost: a\r\n\r\n');
        await client.answer();
      }
      client.close();
    }
    const slow = request(site.port, '/sleep?slow');
    const gone = Array.from({ length: 10 }, (_, i) =>
      send(`POST /quick?gone${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`),
    );
    await pollUntil(() => lines('runs').includes('slow') && site.server.connections === 11);
    for (const client of gone) client.reset();
    await pollUntil(() => site.server.connections === 1);
    expect((await slow).status).toBe(200);
    expect((await request(site.port, '/quick?after')).status).toBe(200);
    const ran = lines('runs').filter((line) => line !== 'warm');
    // Those that a quick worker had run before the slow one came were run; none of those that waited behind it.
    expect(ran.slice(ran.indexOf('slow'))).toEqual(['slow', 'after']);
  });

  test('with its body in a file: the file is removed', async () => {
    await start('records_runs:app');
    const slow = request(site.port, '/sleep?slow');
    const client = send(
      `POST /quick?gone HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`,
    );
    await pollUntil(() => spooledFiles(site).length === 1);
    client.reset();
    await pollUntil(() => spooledFiles(site).length === 0);
    await slow;
    expect((await request(site.port, '/quick?after')).status).toBe(200);
    expect(lines('runs')).toEqual(['slow', 'after']);
  });
});

describe.each([1, 2])('while the request runs, with %d thread(s)', (threads) => {
  test('close() is called when it next has something to send, and the worker is free', async () => {
    await start('conformance:app', { threads });
    const client = send('GET /waits_then_streams?go HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => lines('notes').includes('running go'));
    client.reset();
    await pollUntil(() => site.server.connections === 0);
    writeFileSync(inSite('go'), '');
    await pollUntil(() => lines('notes').includes('closed go'));
    const { pids } = site.supervisor;
    expect((await request(site.port, '/one_block')).body.toString()).toBe('hello');
    expect(site.supervisor.pids).toEqual(pids);
    expect(site.log.matching(/XGI_/)).toEqual([]);
  });
});

describe.each([1, 2])('while the answer is streamed, with %d thread(s)', (threads) => {
  test.each(['reset', 'close'] as const)(
    'the generator is closed, and the worker is free (%s)',
    async (how) => {
      await start('conformance:app', { threads });
      for (let round = 1; round <= 3; round++) {
        const client = send('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
        await client.until((text) => text.length > 500_000);
        client[how]();
        await pollUntil(() => lines('notes').filter((line) => line === 'generator closed').length === round);
      }
      expect((await request(site.port, '/one_block')).body.toString()).toBe('hello');
      expect(site.log.matching(/XGI_/)).toEqual([]);
    },
  );

  test('also when the worker waits because the client takes nothing', async () => {
    await start('conformance:app', { threads });
    const client = new WsgiClient(site.port, { readPaused: true });
    client.send('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => lines('notes').includes('endless runs'));
    // Full: the worker has no credit left.
    const other = request(site.port, '/one_block');
    if (threads === 2) expect((await other).status).toBe(200);
    client.reset();
    await pollUntil(() => lines('notes').includes('generator closed'));
    expect((await other).status).toBe(200);
  });
});

test('a client that half-closes after its request gets its answer', async () => {
  await start('conformance:app');
  const client = new WsgiClient(site.port);
  client.socket.end('GET /one_block HTTP/1.1\r\nHost: a\r\n\r\n');
  expect((await client.answer()).body.toString()).toBe('hello');
  client.close();
});
