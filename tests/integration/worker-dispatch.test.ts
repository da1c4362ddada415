/**
 * One slow request must not delay quick ones by more than the budget while another worker can take them.
 *
 * A server of its own process, two workers, the application warm at full depth, a closed loop of quick requests. Rounds with
 * slow requests alternate with control rounds that put the same load on the machine from outside the server. What is asserted
 * is the difference to the control: a machine that others use delays both.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../support/process.js';
import { WsgiClient } from '../support/wsgi-client.js';
import { python, wsgiFixtures } from '../support/wsgi-site.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

/** What the design allows: the budget, plus what calling back from a silent worker takes while all are busy. */
const ALLOWED_MS = 2 + 4;
/**
 * The least noise that is allowed for, on a machine with two cores that runs the client, the gateway, two workers and other people's
 * tests; if the control rounds differ more among themselves, it is that. Waiting for a slow request would be 400 ms.
 */
const NOISE_P99_MS = 20;
/** A single request can be unlucky by far more: seen without any slow request, 70 ms from one round to the next; under load, 150. */
const NOISE_MAX_MS = 150;
/** Long against all of these: a quick request that had to wait for it would be seen. */
const SLOW_S = 0.4;
/** A machine that is taken by others for a moment; a dispatcher that lets requests wait does so every time. */
const RETRIES = 2;
const ROUND_MS = 800;
const ROUNDS = 3;

const QUICK = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

let server: XgiServer;

beforeAll(async () => {
  server = await startXgi(['wsgi', 'burns:app', '-w', '2', '--chdir', wsgiFixtures, '--python', python], {
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
});

afterAll(async () => {
  await server?.stop();
});

/** One connection that asks again as soon as it is answered, or after a pause. */
async function askQuickly(latencies: number[], untilMs: number, pauseMs: number): Promise<void> {
  const client = new WsgiClient(server.port);
  while (performance.now() < untilMs) {
    const sentAtMs = performance.now();
    client.send(QUICK);
    expect((await client.answer()).status).toBe(200);
    latencies.push(performance.now() - sentAtMs);
    if (pauseMs > 0) await delay(pauseMs);
  }
  client.close();
}

async function askSlowly(path: string, untilMs: number): Promise<void> {
  const client = new WsgiClient(server.port);
  while (performance.now() < untilMs) {
    client.send(`GET ${path}?${SLOW_S} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect((await client.answer()).status).toBe(200);
    await delay(50);
  }
  client.close();
}

/** The same use of the processor as {@link askSlowly}, by a process that is no part of the server. */
async function burnOutside(path: string, untilMs: number): Promise<void> {
  const work =
    path === '/burn'
      ? `e=time.perf_counter()+${SLOW_S}\n while time.perf_counter()<e: pass`
      : `time.sleep(${SLOW_S})`;
  const seconds = (untilMs - performance.now()) / 1000;
  const script = `import time\nend=time.perf_counter()+${seconds}\nwhile time.perf_counter()<end:\n ${work}\n time.sleep(0.05)`;
  await new Program(python, ['-c', script]).exited;
}

interface Figures {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

function figures(latencies: number[]): Figures {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const show = ({ count, p50, p99, max }: Figures): string =>
  `${count} requests, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`;

async function round(
  connections: number,
  pauseMs: number,
  disturb: (untilMs: number) => Promise<void>,
  lengthMs = ROUND_MS,
): Promise<number[]> {
  const untilMs = performance.now() + lengthMs;
  const latencies: number[] = [];
  const quick = Array.from({ length: connections }, () => askQuickly(latencies, untilMs, pauseMs));
  await Promise.all([...quick, disturb(untilMs)]);
  return latencies;
}

const LOADS = [
  { name: '32 connections that ask without a pause', connections: 32, pauseMs: 0 },
  {
    name: '8 connections that ask every 10 ms, so that a worker is idle most of the time',
    connections: 8,
    pauseMs: 10,
  },
];

describe.each(['/sleep', '/burn'])('a slow request: %s', (path) => {
  test.each(LOADS)(
    'does not delay quick ones: $name',
    { retry: RETRIES },
    async ({ name, connections, pauseMs }) => {
      const control: Figures[] = [];
      const disturbed: Figures[] = [];
      const all = { control: [] as number[], disturbed: [] as number[] };
      await round(connections, 0, () => Promise.resolve(), 300);
      for (let i = 0; i < ROUNDS; i++) {
        const quiet = await round(connections, pauseMs, (untilMs) => burnOutside(path, untilMs));
        const mixed = await round(connections, pauseMs, (untilMs) => askSlowly(path, untilMs));
        control.push(figures(quiet));
        disturbed.push(figures(mixed));
        all.control.push(...quiet);
        all.disturbed.push(...mixed);
      }
      console.log(
        `${path}, ${name}\n  without: ${show(figures(all.control))}\n  during:  ${show(figures(all.disturbed))}`,
      );
      const controlP99 = control.map(({ p99 }) => p99);
      const noiseMs = Math.max(NOISE_P99_MS, Math.max(...controlP99) - Math.min(...controlP99));
      const typical = (rounds: readonly Figures[], which: 'p50' | 'p99' | 'max'): number =>
        median(rounds.map((figure) => figure[which]));
      const added = (which: 'p50' | 'p99' | 'max'): number =>
        typical(disturbed, which) - typical(control, which);
      // In the median round fewer than 1 % are delayed by more than what is allowed, and half of them by no more than that; on a slow
      // machine, by no more than what it means that one worker does what two did.
      expect(added('p99')).toBeLessThan(ALLOWED_MS + noiseMs);
      expect(added('p50')).toBeLessThan(Math.max(ALLOWED_MS, typical(control, 'p50')));
      // Each round has slow requests: a dispatcher that lets quick ones wait for them does so in each.
      expect(added('max')).toBeLessThan(ALLOWED_MS + NOISE_MAX_MS);
      expect(typical(disturbed, 'max'), 'nobody waited for a slow one').toBeLessThan(SLOW_S * 1000);
    },
  );
});
