/**
 * Output that nobody reads. A client asks for a gigabyte and takes nothing. What waits for it must not be in the memory of the gateway or of the
 * launcher: the program has to be blocked by its pipe, as it would be in a shell, and has to end when the client has gone.
 */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allGone, CgiSite, cpuMsOf, rssOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

const MIB = 2 ** 20;
let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

/** What a process has handed to write(2). */
function writtenBy(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))![1]);
}

/** Sleeping in write(2) to a pipe, as the kernel tells it; where that is not told, simply asleep. */
function isBlocked(pid: number): boolean {
  return /^State:\s+S/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
}

/** Resolves when the program has been blocked for a while: not a byte more. The time is what is looked at. */
async function untilBlocked(pid: number): Promise<number> {
  let before = -1;
  let since = performance.now();
  return await pollUntil(
    () => {
      const now = writtenBy(pid);
      if (now !== before || now === 0 || !isBlocked(pid)) since = performance.now();
      before = now;
      return performance.now() - since > 300 && now;
    },
    { what: `${pid} to be blocked` },
  );
}

describe.each([
  ['with the launcher', undefined],
  ['without Python', 'node only'],
])('%s', (_name, fallback) => {
  async function start(flags: readonly string[]): Promise<number[]> {
    await (fallback === undefined ? site.start(flags) : site.startWithoutPython(flags));
    await site.get('/hello.sh');
    return fallback === undefined ? [site.server.pid, ...(await site.launcherPids())] : [site.server.pid];
  }

  test('the program waits, memory is bounded, and it ends with its client', async () => {
    const ours = await start(['--cgi-idle-timeout', '1s']);
    const before = ours.map(rssOf);
    const clients = Array.from({ length: 4 }, () =>
      site.open('/endless-output.sh', [], { readPaused: true }),
    );
    const pids = await site.pids(4);
    for (const pid of pids) {
      // A pipe, the credit, and what the system keeps for a socket; not the gigabyte.
      expect(await untilBlocked(pid)).toBeLessThan(16 * MIB);
    }
    for (const [i, pid] of ours.entries()) expect(rssOf(pid) - before[i]!).toBeLessThan(48 * MIB);
    // A slow client is not the program's fault: the idle timeout, of one second, does not count.
    const cpuMs = ours.map(cpuMsOf);
    const beganMs = performance.now();
    await pollUntil(() => performance.now() - beganMs > 1500);
    for (const pid of pids) expect(isBlocked(pid)).toBe(true);
    // Who waits does not work.
    for (const [i, pid] of ours.entries()) expect(cpuMsOf(pid) - cpuMs[i]!).toBeLessThan(500);
    expect((await site.get('/hello.sh')).status).toBe(200);

    for (const client of clients) client.reset();
    await allGone(pids);
    await site.untilNoProgram();
    expect((await site.get('/hello.sh')).status).toBe(200);
    // It is a client's decision, and no error of a program.
    expect(site.log).not.toMatch(/\[ERROR\]/);
  });

  test('a client that does read has all of it, in bounded memory', async () => {
    const ours = await start([]);
    const before = ours.map(rssOf);
    let peak = 0;
    let received = 0;
    const client = site.open('/endless-output.sh', ['Connection: close'], { readPaused: true });
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    const sampling = setInterval(() => {
      for (const [i, pid] of ours.entries()) peak = Math.max(peak, rssOf(pid) - before[i]!);
    }, 20);
    client.socket.resume();
    await client.ended;
    clearInterval(sampling);
    expect(received).toBeGreaterThan(1_000_000_000);
    expect(peak).toBeLessThan(96 * MIB);
  });
});

test('a client that takes nothing holds its program no longer than --cgi-timeout', async () => {
  await site.start(['--cgi-timeout', '5s']);
  const client = site.open('/endless-output.sh', [], { readPaused: true });
  const pids = await site.pids(1);
  await untilBlocked(pids[0]!);
  await allGone(pids);
  expect(await site.logged(/XGI_CGI_TIMEOUT: .*--cgi-timeout/)).toContain('endless-output.sh');
  client.close();
});
