/** Clients that end their input and wait: the handler is told, and a client that turns out to have gone is noticed. */
import { describe, expect, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import type { GatewayRequest } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { answer, deferred, startServer, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const CONTINUE = new ResponseHead(100);

interface Waiting {
  readonly request: GatewayRequest;
  readonly respond: (text: string) => void;
  ended: number;
  aborted: number;
}

/** A server whose handler leaves each request waiting, and counts what it is told. */
async function startWaiting(): Promise<{ port: number; waiting: Waiting[]; connections: () => number }> {
  const waiting: Waiting[] = [];
  const { port, server } = await startServer((request) => {
    const response = deferred<ReturnType<typeof answer>>();
    const one: Waiting = {
      request,
      respond: (text) => response.resolve(answer(text)),
      ended: 0,
      aborted: 0,
    };
    request.onInputEnd({ inputEnded: () => one.ended++ });
    request.onAbort(() => one.aborted++);
    waiting.push(one);
    return response.promise;
  });
  return { port, waiting, connections: () => server.connections };
}

test('the handler is told, again and again until it answers; one whose client goes on is not', async () => {
  const { port, waiting } = await startWaiting();
  const open = await RawClient.connect(port);
  open.send(get('/open'));
  await pollUntil(() => waiting.length === 1);
  const client = await RawClient.connect(port);
  client.end(get('/half'));
  await pollUntil(() => (waiting[1]?.ended ?? 0) >= 3, { what: 'the third time' });
  waiting[1]!.respond('still there');
  expect((await client.response()).body).toBe('still there');
  await client.expectEnd();
  const told = waiting[1]!.ended;
  const other = await RawClient.connect(port);
  other.end(get());
  await pollUntil(() => (waiting[2]?.ended ?? 0) >= 2, { what: 'two rounds more' });
  expect(waiting.map(({ ended }) => ended).slice(0, 2)).toEqual([0, told]);
});

test('also for requests behind the first, when it is their turn', async () => {
  const { port, waiting } = await startWaiting();
  const client = await RawClient.connect(port);
  client.end(get('/1') + get('/2'));
  await pollUntil(() => (waiting[0]?.ended ?? 0) >= 1);
  waiting[0]!.respond('one');
  await pollUntil(() => (waiting[1]?.ended ?? 0) >= 1);
  waiting[1]!.respond('two');
  expect((await client.response()).body).toBe('one');
  expect((await client.response()).body).toBe('two');
  await client.expectEnd();
});

test('an interim response finds out who has gone: onAbort, without an answer being written', async () => {
  const { port, waiting, connections } = await startWaiting();
  const client = await RawClient.connect(port);
  client.send(get());
  await pollUntil(() => waiting.length === 1);
  client.socket.destroy();
  await pollUntil(() => waiting[0]!.ended >= 2, { what: 'the FIN to be told' });
  expect([waiting[0]!.aborted, connections()]).toEqual([0, 1]);
  waiting[0]!.request.inform(CONTINUE);
  await pollUntil(() => waiting[0]!.aborted === 1 && connections() === 0, { what: 'the abort' });
});

describe('of a handler that listens for the abort, and not for the end of the input,', () => {
  test('a client that has closed is told as gone', async () => {
    const begun = deferred();
    const aborted = deferred();
    const { port, server } = await startServer(async (request) => {
      request.onAbort(() => aborted.resolve());
      begun.resolve();
      await aborted.promise;
      throw new Error('nobody is there');
    });
    const client = await RawClient.connect(port);
    client.send(get());
    await begun.promise;
    client.socket.destroy();
    await aborted.promise;
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
  });

  test.each([
    ['one that still reads is asked, once, and gets its answer', true, [100, 200]],
    ['one is not asked if nobody listens', false, [200]],
  ])('%s', async (_what, listens, statuses) => {
    const response = deferred<ReturnType<typeof answer>>();
    let rounds = 0;
    const { port } = await startServer((request) => {
      if (request.path === '/rounds') request.onInputEnd({ inputEnded: () => rounds++ });
      else if (listens) request.onAbort(() => {});
      return response.promise;
    });
    const client = await RawClient.connect(port);
    client.end(get());
    (await RawClient.connect(port)).end(get('/rounds'));
    await pollUntil(() => rounds >= 4, { what: 'some rounds' });
    response.resolve(answer('still there'));
    const got: number[] = [];
    for (const _ of statuses) got.push((await client.response()).status);
    expect(got).toEqual(statuses);
    await client.expectEnd();
  });
});

test('a reset after the FIN is noticed without anything being sent', async () => {
  const { port, waiting, connections } = await startWaiting();
  const client = await RawClient.connect(port);
  client.end(get());
  await pollUntil(() => (waiting[0]?.ended ?? 0) >= 1);
  client.reset();
  await pollUntil(() => waiting[0]!.aborted === 1 && connections() === 0, { what: 'the abort' });
});

describe('a client that leaves', () => {
  test.each(['half-close', 'close'] as const)('by %s while an answer is streamed to it', async (how) => {
    const source = new TestSource();
    const { port, server } = await startServer(() => streamed(source));
    const client = await RawClient.connect(port);
    client.send(get());
    await client.untilText('\r\n\r\n');
    if (how === 'close') client.socket.destroy();
    else client.end();
    const tick = setInterval(() => source.sink!.data(Buffer.from('x')), 10);
    if (how === 'close') {
      await pollUntil(() => source.cancelled === 1 && server.connections === 0, { what: 'the cancel' });
    } else {
      await client.untilText('1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n');
      expect(source.cancelled).toBe(0);
      source.sink!.end();
      await client.untilText('0\r\n\r\n');
    }
    clearInterval(tick);
  });
});
