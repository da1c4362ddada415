/**
 * Clients that leave the queue with close(2), and clients that only half-close: at first both look the same, a FIN. The ones are never
 * run, the others get their answer.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { WsgiClient } from '../support/wsgi-client.js';
import { spooledFiles, startSite, type Site } from '../support/wsgi-site.js';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

let site: Site;
let sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await site.stop(100);
});

const get = (target: string, version = '1.1'): string => `GET ${target} HTTP/${version}\r\nHost: a\r\n\r\n`;
const post = (target: string, body = 'abc'): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

function runs(): string[] {
  const file = path.join(site.directory, 'runs');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

/** One worker that runs one request, until `go`. @param warm the application is known as quick: requests are sent ahead */
async function startBusy(warm = false): Promise<WsgiClient> {
  site = await startSite({ target: 'leaves_queue:app' });
  const busy = new WsgiClient(site.port);
  sockets.push(busy.socket);
  if (warm) {
    for (let i = 0; i < 200; i++) {
      busy.send(get('/?warm'));
      await busy.answer();
    }
  }
  busy.send(get('/gate?busy'));
  await pollUntil(() => runs().includes('busy'), { what: 'the worker to be busy' });
  return busy;
}

function go(): void {
  writeFileSync(path.join(site.directory, 'go'), '');
}

/** What has been run since the worker is busy. */
function ran(): string[] {
  const all = runs();
  return all.slice(all.indexOf('busy') + 1);
}

/** Sends this and closes: the kernel sends a FIN, and a reset for whatever comes afterwards. */
async function sendAndClose(to: number | string, text: string): Promise<void> {
  const socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to);
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(text, 'latin1', () => socket.destroy());
  await once(socket, 'close');
}

/** Everything that comes for a request whose client half-closes behind it. */
function sendAndHalfClose(text: string): { all: Promise<string> } {
  const socket = connect({ port: site.port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  socket.setEncoding('latin1').end(text, 'latin1');
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  return { all: once(socket, 'end').then(() => received) };
}

async function untilConnections(count: number): Promise<void> {
  await pollUntil(() => site.server.connections === count, { what: `${count} connections` });
}

describe.each([
  ['in the queue', false],
  ['in the hand of a quick worker, from where they come back', true],
])('%s', (_where, warm) => {
  test('those who leave are not run, those who half-close or wait are answered', async () => {
    const busy = await startBusy(warm);
    const gone: Promise<void>[] = [];
    const socketPath = path.join(site.directory, 's');
    await site.server.listen({ kind: 'unix', path: socketPath });
    for (let i = 0; i < 10; i++) {
      gone.push(sendAndClose(site.port, get(`/?get${i}`)), sendAndClose(site.port, post(`/?post${i}`)));
      gone.push(sendAndClose(socketPath, get(`/?unix${i}`)));
    }
    gone.push(sendAndClose(site.port, get('/?first') + post('/?second') + get('/?third')));
    const halfClosed = sendAndHalfClose(get('/?half'));
    const pipelined = sendAndHalfClose(post('/?half-first') + get('/?half-second'));
    const patient = new WsgiClient(site.port);
    sockets.push(patient.socket);
    patient.send(get('/?patient'));
    await Promise.all(gone);
    // The worker is still busy: they have been taken out of the queue, not run.
    await untilConnections(4);
    go();
    expect((await busy.answer()).status).toBe(200);
    expect((await patient.answer()).body.toString()).toBe('patient');
    expect(await halfClosed.all).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*half$/);
    const answers = await pipelined.all;
    expect(answers.startsWith(CONTINUE)).toBe(true);
    expect(answers).toMatch(/HTTP\/1\.1 200 OK\r\n[^]*half-firstHTTP\/1\.1 200 OK\r\n[^]*half-second$/);
    expect(ran().toSorted()).toEqual(['half', 'half-first', 'half-second', 'patient']);
    expect(site.log.matching(/XGI_/)).toEqual([]);
  });
});

test('a client that leaves while its body is being stored in a file: not run, and the file is removed', async () => {
  await startBusy();
  await sendAndClose(site.port, post('/?large', 'x'.repeat(300_000)));
  await untilConnections(1);
  expect(spooledFiles(site)).toEqual([]);
  go();
  expect((await fetch(site.url('/?after'))).status).toBe(200);
  expect(ran()).toEqual(['after']);
});

test('a client that half-closes, and resets later, is not run either', async () => {
  await startBusy();
  const client = new WsgiClient(site.port);
  sockets.push(client.socket);
  client.socket.end(get('/?gone'));
  await client.until((text) => text === CONTINUE);
  client.reset();
  await untilConnections(1);
  go();
  expect((await fetch(site.url('/?after'))).status).toBe(200);
  expect(ran()).toEqual(['after']);
});

test('HTTP/1.0 has no interim responses: a client that half-closes gets its answer alone, one that leaves is run', async () => {
  await startBusy();
  await sendAndClose(site.port, get('/?gone', '1.0'));
  const halfClosed = sendAndHalfClose(get('/?half', '1.0'));
  await untilConnections(3);
  go();
  expect(await halfClosed.all).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*half$/);
  expect(ran()).toEqual(['gone', 'half']);
});

test('a client that half-closes while its request is run is not asked', async () => {
  site = await startSite({ target: 'leaves_queue:app' });
  const client = sendAndHalfClose(get('/gate?busy'));
  await pollUntil(() => runs().includes('busy'), { what: 'the request to run' });
  // As long as it takes to ask one that waits.
  const waiting = new WsgiClient(site.port);
  sockets.push(waiting.socket);
  waiting.socket.end(get('/?half'));
  await waiting.until((text) => text === CONTINUE);
  go();
  expect(await client.all).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

describe('while the answer is streamed', () => {
  test('a client that has read everything and closes: the iteration stops, close() is called', async () => {
    site = await startSite({ target: 'leaves_queue:app' });
    const client = new WsgiClient(site.port);
    client.send(get('/ticks?1000000'));
    await client.until((text) => text.includes('tick\n'));
    client.close();
    await pollUntil(() => runs().includes('closed'), { what: 'close()' });
    expect((await fetch(site.url('/?after'))).status).toBe(200);
  });

  test('a client that half-closes reads it to its end', async () => {
    site = await startSite({ target: 'leaves_queue:app' });
    const text = await sendAndHalfClose(get('/ticks?30')).all;
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text.match(/tick\n/g)).toHaveLength(30);
    expect(text.endsWith('0\r\n\r\n')).toBe(true);
    expect(runs()).toEqual(['30', 'closed']);
  });
});
