/**
 * Endless standard error. A program in a loop of complaints (or one of an attacker's) fills the disk with the log, keeps the gateway busy with
 * writing it, or, if nobody reads it, hangs for ever.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allGone, CgiSite, cpuMsOf } from '../support/cgi-site.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

describe.each([
  ['with the launcher', false],
  ['without Python', true],
])('%s', (_name, fallback) => {
  test('the log is bounded, others are served, and the request ends by its timeout', async () => {
    const flags = ['--cgi-timeout', '3s', '--cgi-idle-timeout', '60s'];
    await (fallback ? site.startWithoutPython(flags) : site.start(flags));
    await site.get('/hello.sh');
    const busyPids = fallback ? [site.server.pid] : await site.launcherPids();
    const look = (): { ms: number; cpuMs: number; gatewayCpuMs: number } => ({
      ms: performance.now(),
      cpuMs: busyPids.reduce((sum, pid) => sum + cpuMsOf(pid), 0),
      gatewayCpuMs: cpuMsOf(site.server.pid),
    });
    const serveOthers = async (): Promise<number> => {
      const latencies: number[] = [];
      while (latencies.length < 20) {
        const sentMs = performance.now();
        expect((await site.get('/hello.sh')).status).toBe(200);
        latencies.push(performance.now() - sentMs);
      }
      return latencies.toSorted((a, b) => a - b)[10]!;
    };
    // What the same costs without it, on this machine.
    const before = look();
    const aloneMs = await serveOthers();
    const began = look();
    const answer = site.get('/endless-stderr.sh');
    const pids = await site.pids(1);
    expect(await serveOthers()).toBeLessThan(200 + 2 * aloneMs);

    expect(await answer).toMatchObject({ status: 504 });
    const last = look();
    await allGone(pids);
    const share = (which: 'cpuMs' | 'gatewayCpuMs'): number =>
      (last[which] - began[which] - (began[which] - before[which])) / (last.ms - began.ms);
    if (!fallback) expect(share('cpuMs')).toBeLessThan(0.4);
    expect(share('gatewayCpuMs')).toBeLessThan(0.8);

    await site.logged(/bytes of its standard error were left out: there was too much of it/);
    expect(site.log.match(/XGI_CGI_TIMEOUT/g)).toHaveLength(1);
    // 64 KiB of it, and what stands in front of each line.
    expect(site.log.length).toBeLessThan(400_000);
    expect(site.log).toContain('[WARNING]');
  });
});

test('one line without an end is passed on in parts, and bounded too', async () => {
  site.program(
    'line.sh',
    '#!/bin/sh\nhead -c 3000000 /dev/zero | tr "\\0" x >&2\nprintf "Content-Type: text/plain\\n\\ndone"\n',
  );
  await site.start();
  expect((await site.get('/line.sh')).body.toString()).toBe('done');
  const [, dropped] = /(\d+) bytes of its standard error were left out/.exec(
    await site.logged(/.* bytes of its standard error were left out.*/),
  )!;
  expect(Number(dropped)).toBeGreaterThan(2_900_000);
  expect(site.log.length).toBeLessThan(200_000);
  expect(Math.max(...site.log.split('\n').map((line) => line.length))).toBeLessThan(10_000);
});

test('a program that writes more than a pipe holds before its head is not blocked by that', async () => {
  site.program(
    'talks.sh',
    '#!/bin/sh\nhead -c 1000000 /dev/zero | tr "\\0" "\\n" >&2\nprintf "Content-Type: text/plain\\n\\ndone"\n',
  );
  await site.start();
  expect((await site.get('/talks.sh')).body.toString()).toBe('done');
});
