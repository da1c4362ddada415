/**
 * Large bodies pass through: the memory of the gateway and of the worker does not grow with them. 1 GiB of each is in the
 * benchmarks; here it is enough that nobody can collect the body without being seen.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { python, wsgiFixtures } from '../support/wsgi-site.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

const MIB = 1_048_576;
const BODY_MIB = 128;
const MAX_GROWTH_MIB = 64;

let server: XgiServer;
let directory: string;

beforeAll(async () => {
  directory = makeTempDir();
  server = await startXgi(
    ['wsgi', 'conformance:app', '-w', '1', '--chdir', wsgiFixtures, '--python', python],
    {
      env: { TEST_DIR: directory, TMPDIR: directory, PYTHONDONTWRITEBYTECODE: '1' },
    },
  );
  await pollUntil(() => server.workerPids.length === 1);
  // What is loaded and allocated once belongs to neither body.
  await request(server.port, '/streams_mebibytes?8');
  await request(server.port, '/describe_body?warm', { method: 'POST', body: Buffer.alloc(4 * MIB) });
});

afterAll(async () => {
  await server?.stop();
  removeTempDir(directory);
});

/** Resident memory in MiB, now or at its highest. */
function memory(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  return (
    Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) /
    1024
  );
}

/** How far gateway and worker grew at the most while `work` ran. */
async function growth(work: () => Promise<void>): Promise<{ gateway: number; worker: number }> {
  const pids = { gateway: server.pid, worker: server.workerPids[0]! };
  const before = { gateway: memory(pids.gateway, 'VmRSS'), worker: memory(pids.worker, 'VmRSS') };
  await work();
  return {
    gateway: memory(pids.gateway, 'VmHWM') - before.gateway,
    worker: memory(pids.worker, 'VmHWM') - before.worker,
  };
}

/** Resolves when the gateway has read nothing, of its workers or of anybody, for some probes in a row. */
async function nothingMoves(): Promise<void> {
  const bytesRead = (): string => /rchar: (\d+)/.exec(readFileSync(`/proc/${server.pid}/io`, 'latin1'))![1]!;
  let last = bytesRead();
  let same = 0;
  await pollUntil(
    () => {
      const now = bytesRead();
      same = now === last ? same + 1 : 0;
      last = now;
      return same === 10;
    },
    { what: 'the gateway to read nothing more' },
  );
}

/** Takes a chunked answer at a limited rate; resolves with the number of bytes that came. */
async function downloadSlowly(target: string): Promise<number> {
  const socket = connect(server.port, '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  // At first nothing more is taken: everything that can fill up does.
  await once(socket, 'readable');
  await nothingMoves();
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // A limited rate: the client is slower than the application.
    if (bytes % (4 * MIB) < chunk.length) await delay(10);
  }
  return bytes;
}

async function upload(target: string, framing: string): Promise<string> {
  const client = new WsgiClient(server.port);
  const isChunked = framing.startsWith('Transfer');
  client.send(`POST ${target} HTTP/1.1\r\nHost: a\r\n${framing}\r\nConnection: close\r\n\r\n`);
  const block = Buffer.alloc(MIB, 'u');
  for (let i = 0; i < BODY_MIB; i++) {
    if (isChunked) client.send(`${MIB.toString(16)}\r\n`);
    client.send(block);
    if (isChunked) client.send('\r\n');
    if (client.socket.writableNeedDrain) await once(client.socket, 'drain');
  }
  if (isChunked) client.send('0\r\n\r\n');
  const { body } = await client.answer('POST', 30_000);
  client.close();
  return body.toString();
}

// Resident memory of another process is read where the kernel shows it.
describe.runIf(existsSync('/proc/self/status'))(`${BODY_MIB} MiB`, () => {
  test('streamed to a slow client', async () => {
    const grown = await growth(async () => {
      expect(await downloadSlowly(`/streams_mebibytes?${BODY_MIB}`)).toBeGreaterThan(BODY_MIB * MIB);
    });
    console.log(`download: gateway +${grown.gateway.toFixed(0)} MiB, worker +${grown.worker.toFixed(0)} MiB`);
    expect(grown.gateway).toBeLessThan(MAX_GROWTH_MIB);
    expect(grown.worker).toBeLessThan(MAX_GROWTH_MIB);
  });

  test.each([`Content-Length: ${BODY_MIB * MIB}`, 'Transfer-Encoding: chunked'])(
    'uploaded, %s',
    async (framing) => {
      let answer = '';
      const grown = await growth(async () => {
        answer = await upload('/describe_body?large', framing);
      });
      console.log(
        `upload, ${framing}: gateway +${grown.gateway.toFixed(0)} MiB, worker +${grown.worker.toFixed(0)} MiB`,
      );
      const digest = createHash('sha256');
      for (let i = 0; i < BODY_MIB; i++) digest.update(Buffer.alloc(MIB, 'u'));
      expect(JSON.parse(answer)).toMatchObject({
        length: BODY_MIB * MIB,
        sha256: digest.digest('hex'),
        file: true,
      });
      expect(grown.gateway).toBeLessThan(MAX_GROWTH_MIB);
      expect(grown.worker).toBeLessThan(MAX_GROWTH_MIB);
    },
  );
});
