/** What workers write to standard error: passed on whole, quoted when they die, and never in anybody's way. */
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import { processesOf, startSite, type Site, type SiteOptions } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
  await pollUntil(() => processesOf(site).length === 0, { what: 'the end of all processes' });
});

async function start({ supervisor, ...options }: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({ target: 'talkative:app', ...options, supervisor: { ...supervisor } });
  return site;
}

const get = async (target: string): Promise<number> => (await request(site.port, target)).status;
const said = (): string[] => site.log.lines;

async function passedOn(line: string): Promise<void> {
  await pollUntil(() => said().includes(line), { what: `the line ${line}` });
}

/** The last lines that the log quotes when the worker has died. */
async function quoted(): Promise<string> {
  const { fields } = await site.log.waitFor(/XGI_WORKER_EXIT/);
  return String(fields['detail']);
}

describe.each([{ preload: false }, { preload: true }])('preload $preload', ({ preload }) => {
  const startHere = (options: Partial<SiteOptions> = {}): Promise<Site> =>
    start({ ...options, supervisor: { preload } });

  test('lines come in order and whole, in whatever pieces they were written', async () => {
    await startHere();
    await get('/lines/2000');
    await get('/split_lines/500');
    await passedOn('caf\u00e9 \u65e5\u672c 499');
    expect(said()).toEqual([
      ...Array.from({ length: 2000 }, (_, i) => `line ${i}`),
      ...Array.from({ length: 500 }, (_, i) => `caf\u00e9 \u65e5\u672c ${i}`),
    ]);
  });

  test('lines of several workers are not mixed', async () => {
    await startHere({ workers: 2 });
    await Promise.all(Array.from({ length: 8 }, () => get('/lines/500')));
    await pollUntil(() => said().filter((line) => line === 'line 499').length === 8);
    expect(said().filter((line) => !/^line [0-9]+$/.test(line))).toEqual([]);
    expect(said()).toHaveLength(4000);
  });

  test('a crash: the log says how it ended, and quotes the last lines, an unfinished one too', async () => {
    await startHere();
    expect(await get('/dies')).toBe(502);
    const record = await site.log.waitFor(/XGI_WORKER_EXIT/);
    expect(record.message).toMatch(
      /^XGI_WORKER_EXIT: worker [0-9]+ ended \(status 9\); another takes its place$/,
    );
    const lines = (await quoted()).split('\n');
    expect(lines[0]).toBe('its standard error ended with:');
    expect(lines.slice(1)).toEqual([
      ...Array.from({ length: 19 }, (_, i) => `before the end ${i + 11}`),
      'the very last words',
    ]);
    await passedOn('the very last words');
  });

  test('a segmentation fault: from the headline of the fault handler, with the innermost functions', async () => {
    await startHere();
    expect(await get('/segfault')).toBe(502);
    expect((await site.log.waitFor(/XGI_WORKER_EXIT/)).message).toContain('(signal SIGSEGV)');
    const text = await quoted();
    expect(text).toContain('Fatal Python error: Segmentation fault');
    expect(text).toMatch(/talkative\.py", line [0-9]+ in deep/);
  });

  test('an unfinished line is passed on when the worker leaves', async () => {
    await startHere();
    await get('/unfinished');
    await site.supervisor.reload();
    await passedOn('without an end');
  });

  test('a program that it has left behind keeps nobody from seeing its end, nor from stopping', async () => {
    await startHere();
    const [pid] = site.supervisor.pids as [number];
    await get('/leaves/silent');
    const left = Number(site.lines('left')[0]);
    process.kill(pid, 'SIGKILL');
    await site.log.waitFor(/XGI_WORKER_EXIT/);
    expect(await get('/')).toBe(200);
    // What it has to say later is passed on.
    site.write('left-may-end');
    await passedOn('the program says goodbye');
    await pollUntil(() => !isAlive(left));
  });

  test('stop() does not wait for such a program', async () => {
    await startHere();
    await get('/leaves/silent');
    const left = Number(site.lines('left')[0]);
    const beganAtMs = performance.now();
    await site.supervisor.stop(25_000);
    expect(performance.now() - beganAtMs).toBeLessThan(15_000);
    expect(isAlive(left)).toBe(true);
  });
});

test('a program left behind that writes without end does not hold up the end of the worker', async () => {
  await start({ supervisor: { passOn: () => {} } });
  const [pid] = site.supervisor.pids as [number];
  await get('/leaves/writes');
  process.kill(pid, 'SIGKILL');
  await site.log.waitFor(/XGI_WORKER_EXIT/);
  for (let i = 0; i < 20; i++) expect(await get('/')).toBe(200);
});

test('a huge line without an end comes in parts, and all of it', async () => {
  await start();
  await get('/long_line/3000000');
  await pollUntil(() => said().at(-1)?.endsWith(' end'));
  const parts = said();
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.join('')).toBe(`begin ${'x'.repeat(3_000_000)} end`);
});

test('what is no text does no harm', async () => {
  await start();
  await get('/binary');
  await get('/lines/1');
  await passedOn('line 0');
  expect(said().join('\n')).toContain('\ufffd');
  expect(await get('/')).toBe(200);
});

test('megabytes each second do not stall the gateway', async () => {
  let bytes = 0;
  await start({ workers: 2, supervisor: { passOn: (text) => (bytes += text.length) } });
  // The best of several rounds: the machine may be busy.
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && leastMs >= 700; round++) {
    const before = bytes;
    let isOver = false;
    const flood = get('/floods/1.5').finally(() => (isOver = true));
    await pollUntil(() => bytes > before);
    let slowestMs = 0;
    while (!isOver) {
      const sentAtMs = performance.now();
      expect(await get('/')).toBe(200);
      slowestMs = Math.max(slowestMs, performance.now() - sentAtMs);
    }
    expect(await flood).toBe(200);
    const megabytes = (bytes - before) / 1_000_000;
    console.log(`${megabytes.toFixed(0)} MB passed on; the slowest request took ${slowestMs.toFixed(0)} ms`);
    expect(megabytes).toBeGreaterThan(1);
    leastMs = Math.min(leastMs, slowestMs);
  }
  expect(leastMs).toBeLessThan(700);
});
