/**
 * Reload: the new code serves after it; nothing that was accepted is lost; code that cannot be loaded changes nothing, and says why.
 */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { BootError } from '../../src/errors.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import {
  allEnded,
  ask,
  askMany,
  hold,
  processesOf,
  startSite,
  type Site,
  type SiteOptions,
  type Steered,
} from '../support/wsgi-site.js';

const sites: Site[] = [];

afterEach(async () => {
  for (const site of sites.splice(0)) {
    await site.stop(100);
    await pollUntil(() => processesOf(site).length === 0, { what: 'the end of all processes' });
  }
});

const version = (name: string): string =>
  `from steered import serve\n\napp = serve(${JSON.stringify(name)})\n`;

/** Noted as "loading" when it is imported, and then waited for. */
const SLOW = `from steered import note, serve, wait_for\n\nnote("loading")\nwait_for("load")\napp = serve("slow")\n`;

async function start({ supervisor, ...options }: Partial<SiteOptions> = {}): Promise<Site> {
  const site = await startSite({
    target: 'app:app',
    modules: { 'app.py': version('one') },
    ...options,
    supervisor: { gracefulTimeoutMs: 20_000, ...supervisor },
  });
  sites.push(site);
  return site;
}

const write = (site: Site, source: string): void => site.write('app.py', source);

const versions = (answers: readonly Steered[]): string[] => [
  ...new Set(answers.map((answer) => answer.version)),
];

/** One interpreter for each worker, and that of the zygote. */
async function expectProcesses(site: Site, workers: number, preload: boolean): Promise<void> {
  const wanted = workers + (preload ? 1 : 0);
  await pollUntil(() => processesOf(site).length === wanted, {
    what: `${wanted} processes instead of ${processesOf(site).length}`,
  });
}

describe.each([
  { preload: false, threads: 1 },
  { preload: true, threads: 1 },
  { preload: false, threads: 3 },
  { preload: true, threads: 3 },
])('preload $preload, $threads thread(s)', ({ preload, threads }) => {
  const startHere = (options: Partial<SiteOptions> = {}): Promise<Site> =>
    start({ threads, ...options, supervisor: { preload, ...options.supervisor } });

  test('the new code serves, old workers finish what they run, and leave', async () => {
    const site = await startHere({ workers: 2 });
    const oldPids = site.supervisor.pids;
    const held = await hold(site, 'held');
    write(site, version('two'));
    expect(await site.supervisor.reload()).toBe('reloaded');
    expect(versions(await askMany(site))).toEqual(['two']);
    site.write('held');
    expect(JSON.parse((await held()).body.toString())).toMatchObject({ version: 'one' });
    await allEnded(oldPids);
    await expectProcesses(site, 2, preload);
    expect(site.supervisor.status()).toMatchObject({ generation: 2, totals: { crashed: 0, died: 0 } });
    expect(site.log.text).not.toMatch(/warn:|error:/);
  });

  test('requests that wait are served by the new workers while the old one is still held', async () => {
    const site = await startHere();
    const held = await Promise.all(Array.from({ length: threads }, (_, i) => hold(site, `held${i}`)));
    const waiting = Promise.all(Array.from({ length: 30 }, () => ask(site)));
    await pollUntil(() => site.supervisor.status().queue.waiting > 0);
    write(site, version('two'));
    expect(await site.supervisor.reload()).toBe('reloaded');
    expect(versions(await waiting)).toEqual(['two']);
    for (let i = 0; i < threads; i++) site.write(`held${i}`);
    for (const answer of held) expect((await answer()).status).toBe(200);
  });
});

describe.each([{ preload: false }, { preload: true }])('preload $preload', ({ preload }) => {
  const startHere = (options: Partial<SiteOptions> = {}): Promise<Site> =>
    start({ ...options, supervisor: { preload, ...options.supervisor } });

  test.each<[string, string, string, RegExp, RegExp]>([
    ['has a syntax error', 'app = (\n', 'XGI_APP_RAISED', /SyntaxError/, /File ".*app\.py", line 1/],
    ['raises', 'raise KeyError("setting")\n', 'XGI_APP_RAISED', /KeyError/, /raise KeyError\("setting"\)/],
    ['has no application', 'x = 1\n', 'XGI_APP_NO_CALLABLE', /app/, /^undefined$/],
    ['calls sys.exit', 'import sys\nsys.exit(7)\n', 'XGI_APP_RAISED', /SystemExit/, /sys\.exit\(7\)/],
    [
      'exits',
      'import os, sys\nprint("last words", file=sys.stderr)\nos._exit(7)\n',
      'XGI_WORKER_BOOT',
      /status 7/,
      /last words/,
    ],
    [
      'segfaults',
      'import ctypes\nctypes.string_at(0)\n',
      'XGI_WORKER_BOOT',
      /signal SIGSEGV/,
      /Segmentation fault[\s\S]*app\.py", line 2/,
    ],
    ['is killed', 'import os\nos.kill(os.getpid(), 9)\n', 'XGI_WORKER_BOOT', /signal SIGKILL/, /^$/],
    [
      'leaves a thread behind that would keep the process',
      'import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()\nraise KeyError("thread")\n',
      'XGI_APP_RAISED',
      /KeyError/,
      /thread/,
    ],
  ])('code that %s: the old code serves on; then good code', async (_what, source, code, message, detail) => {
    const site = await startHere({ workers: 2 });
    const before = site.supervisor.pids;
    write(site, source);
    const result = await site.supervisor.reload();
    expect(result).toBeInstanceOf(BootError);
    const error = result as BootError;
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(String(error.detail)).toMatch(detail);
    const record = await site.log.waitFor(/XGI_RELOAD_FAILED/);
    expect(record.message).toContain(code);
    expect(record.fields['detail']).toBe(error.detail);
    expect(versions(await askMany(site))).toEqual(['one']);
    await expectProcesses(site, 2, preload);
    // That the process has gone is seen a moment before its end is told.
    await expect.poll(() => site.supervisor.pids).toEqual(before);
    expect(site.supervisor.status().generation).toBe(1);

    write(site, version('two'));
    expect(await site.supervisor.reload()).toBe('reloaded');
    expect(versions(await askMany(site))).toEqual(['two']);
    await expectProcesses(site, 2, preload);
  });

  test('reloads that are asked for during one share the next, which has the code as it is then', async () => {
    const site = await startHere({ workers: 2 });
    write(site, SLOW);
    const first = site.supervisor.reload();
    await pollUntil(() => site.lines('notes').includes('loading'));
    write(site, version('three'));
    const others = [site.supervisor.reload(), site.supervisor.reload(), site.supervisor.reload()];
    site.write('load');
    expect(await first).toBe('reloaded');
    expect(await Promise.all(others)).toEqual(['reloaded', 'reloaded', 'reloaded']);
    expect(versions(await askMany(site))).toEqual(['three']);
    expect(site.supervisor.status().generation).toBe(3);
    await expectProcesses(site, 2, preload);
  });

  test('code that hangs is given up when another reload is asked for and it has had its time', async () => {
    const site = await startHere();
    write(site, SLOW);
    const beganAtMs = performance.now();
    const hanging = site.supervisor.reload();
    await pollUntil(() => site.lines('notes').includes('loading'));
    write(site, version('three'));
    const further = site.supervisor.reload();
    const answered = pollUntil(async () => (await ask(site)).version === 'three', {
      deadlineMs: 20_000,
      everyMs: 100,
    });
    expect(await Promise.all([hanging, further])).toEqual(['reloaded', 'reloaded']);
    expect(performance.now() - beganAtMs).toBeGreaterThan(8000);
    await answered;
    await expectProcesses(site, 1, preload);
  });

  test('a worker that crashes while the new code is being loaded: the other one serves, and the reload goes on', async () => {
    const site = await startHere({ workers: 2 });
    const [first, second] = site.supervisor.pids as [number, number];
    write(site, SLOW);
    const reload = site.supervisor.reload();
    await pollUntil(() => site.lines('notes').includes('loading'));
    process.kill(first, 'SIGKILL');
    expect((await site.log.waitFor(/XGI_WORKER_EXIT/)).message).toContain(
      `worker ${first} ended (signal SIGKILL)`,
    );
    expect(new Set((await askMany(site)).map(({ pid }) => pid))).toEqual(new Set([second]));
    site.write('load');
    expect(await reload).toBe('reloaded');
    expect(versions(await askMany(site))).toEqual(['slow']);
    await expectProcesses(site, 2, preload);
  });

  test('the only worker crashes while the new code is being loaded: requests wait for the new one', async () => {
    const site = await startHere();
    write(site, SLOW);
    const reload = site.supervisor.reload();
    await pollUntil(() => site.lines('notes').includes('loading'));
    process.kill(site.supervisor.pids[0]!, 'SIGKILL');
    await site.log.waitFor(/XGI_WORKER_EXIT/);
    const answers = askMany(site);
    site.write('load');
    expect(await reload).toBe('reloaded');
    expect(versions(await answers)).toEqual(['slow']);
  });

  test('a worker crashes while code is tried that cannot be loaded: it is replaced when good code is there', async () => {
    const site = await startHere({ workers: 2 });
    const [first, second] = site.supervisor.pids as [number, number];
    write(
      site,
      'from steered import note, wait_for\nnote("loading")\nwait_for("load")\nraise KeyError("no")\n',
    );
    const reload = site.supervisor.reload();
    await pollUntil(() => site.lines('notes').includes('loading'));
    process.kill(first, 'SIGKILL');
    await site.log.waitFor(/XGI_WORKER_EXIT/);
    site.write('load');
    expect(await reload).toBeInstanceOf(BootError);
    expect((await ask(site)).pid).toBe(second);
    write(site, version('one'));
    await pollUntil(
      () => site.supervisor.status().workers.filter(({ state }) => state === 'ready').length === 2,
      {
        deadlineMs: 20_000,
      },
    );
    expect(isAlive(second)).toBe(true);
    await expectProcesses(site, 2, preload);
  });

  test('stop() during a reload: those who wait for reloads are told, and nothing is left', async () => {
    const site = await startHere({ workers: 2 });
    write(site, SLOW);
    const reloads = [site.supervisor.reload(), site.supervisor.reload(), site.supervisor.reload()];
    await pollUntil(() => site.lines('notes').includes('loading'));
    await site.supervisor.stop(1000);
    for (const result of await Promise.all(reloads)) expect((result as BootError).code).toBe('XGI_STOPPING');
    expect((await site.supervisor.reload()) as BootError).toMatchObject({ code: 'XGI_STOPPING' });
    expect(site.supervisor.pids).toEqual([]);
    expect(existsSync(site.supervisor.folder)).toBe(false);
    await pollUntil(() => processesOf(site).length === 0);
  });

  describe('in development, an application that has never been loaded', () => {
    const startBroken = (source: string, options: Partial<SiteOptions> = {}): Promise<Site> =>
      startHere({ modules: { 'app.py': source }, ...options, supervisor: { onFiles: () => {} } });

    test.each([
      ['raises', 'raise KeyError("setting")\n', /KeyError/],
      ['exits', 'import os\nos._exit(7)\n', /status 7/],
      ['segfaults', 'import ctypes\nctypes.string_at(0)\n', /SIGSEGV/],
      [
        'leaves a thread behind',
        'import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()\nraise KeyError("thread")\n',
        /KeyError/,
      ],
    ])('%s: requests are told at once, until a reload heals it', async (_what, source, reason) => {
      const site = await startBroken(source);
      const refused = await pollUntil(async () => {
        const answer = await request(site.port, '/');
        return answer.body.toString().includes('XGI_APP_NOT_LOADED') && answer;
      });
      expect(refused.status).toBe(503);
      expect(site.log.text).toMatch(reason);
      const beganAtMs = performance.now();
      await request(site.port, '/');
      expect(performance.now() - beganAtMs).toBeLessThan(10_000);
      write(site, version('two'));
      expect(await site.supervisor.reload()).toBe('reloaded');
      expect(await ask(site)).toMatchObject({ version: 'two' });
      await expectProcesses(site, 1, preload);
    });

    test('requests that came while it was being loaded are told as soon as it is known', async () => {
      const site = await startBroken(
        'from steered import note, wait_for\nnote("loading")\nwait_for("load")\nraise KeyError("no")\n',
        { queueTimeoutMs: 20_000 },
      );
      await pollUntil(() => site.lines('notes').includes('loading'));
      const answers = Array.from({ length: 3 }, () => request(site.port, '/'));
      await pollUntil(() => site.supervisor.status().queue.waiting === 3);
      const beganAtMs = performance.now();
      site.write('load');
      for (const answer of await Promise.all(answers)) {
        expect(answer.status).toBe(503);
        expect(answer.body.toString()).toContain('XGI_APP_NOT_LOADED');
      }
      expect(performance.now() - beganAtMs).toBeLessThan(10_000);
    });

    test('a reload with code that is as bad: its own reason', async () => {
      const site = await startBroken('raise KeyError("first")\n');
      await site.log.waitFor(/KeyError/);
      write(site, 'raise ValueError("second")\n');
      const result = (await site.supervisor.reload()) as BootError;
      expect(result.message).toContain('ValueError');
      await pollUntil(async () =>
        (await request(site.port, '/')).body.toString().includes('XGI_APP_NOT_LOADED'),
      );
    });
  });
});
