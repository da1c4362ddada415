/** A zygote that has loaded the application once, and the workers that it forks: their life and its own. */
import { readFileSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { BootError } from '../../src/errors.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import {
  allEnded,
  ask,
  askMany,
  hold,
  listenOnly,
  parseSteered,
  processesOf,
  startSite,
  type Site,
  type SiteOptions,
} from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
  await pollUntil(() => processesOf(site).length === 0, { what: 'the end of all processes' });
});

async function start({ supervisor, ...options }: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({
    target: 'forkable:app',
    workers: 2,
    ...options,
    supervisor: { preload: true, ...supervisor },
  });
  return site;
}

/** The last one that has become ready. */
async function zygotePid(nth = 1): Promise<number> {
  const records = await pollUntil(() => {
    const found = site.log.matching(/^zygote [0-9]+ is ready$/);
    return found.length >= nth && found;
  });
  return Number(records.at(-1)!.message.split(' ')[1]);
}

const readyPids = (): (number | null)[] =>
  site.supervisor
    .status()
    .workers.filter(({ state }) => state === 'ready')
    .map(({ pid }) => pid);

/** There are `workers` that serve, none of them among these. */
async function replaced(pids: readonly number[], workers: number): Promise<void> {
  await pollUntil(() => readyPids().length === workers && !readyPids().some((pid) => pids.includes(pid!)), {
    what: `the successors of ${pids.join(', ')}`,
  });
}

/** Private memory, in bytes. */
function privateBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return [...rollup.matchAll(/^Private_(?:Clean|Dirty): +([0-9]+) kB$/gm)].reduce(
    (sum, [, kilobytes]) => sum + Number(kilobytes) * 1024,
    0,
  );
}

function parentOf(pid: number): number {
  return Number(/^[0-9]+ \(.*\) . ([0-9]+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1]);
}

describe('the application is loaded once', () => {
  test('and its hooks run in each worker, in order', async () => {
    await start({ workers: 3 });
    const zygote = await zygotePid();
    expect(site.lines('imports')).toEqual([String(zygote)]);
    const { pids } = site.supervisor;
    expect(new Set(pids).size).toBe(3);
    expect(pids).not.toContain(zygote);
    expect(pids.map(parentOf)).toEqual([zygote, zygote, zygote]);
    const hooks = site.lines('hooks');
    expect(hooks).toHaveLength(6);
    for (const pid of pids)
      expect(hooks.filter((line) => line.endsWith(` ${pid}`))).toEqual([`first ${pid}`, `second ${pid}`]);
    for (const { pid } of await askMany(site)) expect(pids).toContain(pid);
  });

  test('its memory is shared: what it made is not in the private memory of workers that have served', async () => {
    await start();
    for (let i = 0; i < 50; i++) await askMany(site);
    const bigBytes = 64 * 1_048_576;
    for (const { pid, rssBytes } of site.supervisor.status().workers) {
      expect(rssBytes).toBeGreaterThan(bigBytes);
      expect(privateBytes(pid!)).toBeLessThan(bigBytes / 4);
    }
  });

  test('again for a reload, and again by another zygote', async () => {
    await start();
    const [first] = [await zygotePid()];
    expect(await site.supervisor.reload()).toBe('reloaded');
    const second = await zygotePid(2);
    expect(site.lines('imports')).toEqual([String(first), String(second)]);
    await allEnded([first]);
    expect(site.log.text).not.toMatch(/warn:|error:/);
  });
});

describe('a worker that ends', () => {
  test.each([
    ['/kill/SIGKILL', /signal SIGKILL/],
    ['/kill/SIGTERM', /status 0|signal SIGTERM/],
    ['/exit/9', /status 9/],
    ['/segfault', /signal SIGSEGV/],
  ])('%s: the log says how, and a fork takes its place', async (target, how) => {
    await start({ workers: 1 });
    const zygote = await zygotePid();
    const [pid] = site.supervisor.pids as [number];
    await request(site.port, target).catch(() => undefined);
    await replaced([pid], 1);
    if (target !== '/kill/SIGTERM') {
      const record = await site.log.waitFor(/XGI_WORKER_EXIT/);
      expect(record.message).toContain(`worker ${pid} ended`);
      expect(record.message).toMatch(how);
    }
    expect(site.supervisor.pids.map(parentOf)).toEqual([zygote]);
    expect(site.lines('imports')).toHaveLength(1);
    expect((await ask(site)).pid).not.toBe(pid);
  });

  test('the replacement serves within a fraction of a second', async () => {
    await start();
    const tookMs: number[] = [];
    for (let i = 0; i < 5; i++) {
      const [pid] = site.supervisor.pids as [number];
      const killedAtMs = performance.now();
      process.kill(pid, 'SIGKILL');
      await replaced([pid], 2);
      tookMs.push(performance.now() - killedAtMs);
    }
    console.log(`from SIGKILL to two workers that serve: ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    expect(Math.min(...tookMs)).toBeLessThan(1000);
  });

  test('a child that the application has forked in it changes nothing', async () => {
    await start({ workers: 1 });
    const [pid] = site.supervisor.pids as [number];
    const child = Number((await request(site.port, '/child')).body.toString());
    expect((await ask(site)).pid).toBe(pid);
    process.kill(pid, 'SIGKILL');
    await replaced([pid], 1);
    expect(isAlive(child)).toBe(true);
    await ask(site);
    // And an orderly end is not held up by it either.
    const stoppedAtMs = performance.now();
    await site.supervisor.stop(25_000);
    expect(performance.now() - stoppedAtMs).toBeLessThan(15_000);
    await pollUntil(() => processesOf(site).join() === String(child), { what: 'the end of all others' });
    expect(isAlive(child)).toBe(true);
  });

  test('an application that waits for all children: the end is seen, if not how', async () => {
    await start({ workers: 1, env: { TEST_REAPS: '1' } });
    expect(site.log.matching(/started threads while it was imported/).map(({ level }) => level)).toEqual([
      'warn',
    ]);
    const zygote = await zygotePid();
    // Again and again: which of the two has it is chance. The zygote, being stopped, comes too late.
    const killed: number[] = [];
    const ends: string[] = [];
    while (!ends.includes('status unknown')) {
      const [pid] = site.supervisor.pids as [number];
      process.kill(pid, 'SIGKILL');
      killed.push(pid);
      await replaced(killed, 1);
      const records = site.log.matching(/XGI_WORKER_EXIT/);
      expect(records).toHaveLength(killed.length);
      ends.push(/\(([^)]*)\)/.exec(records.at(-1)!.message)![1]!);
    }
    for (const end of ends) expect(['status unknown', 'signal SIGKILL']).toContain(end);
    expect(site.supervisor.pids.map(parentOf)).toEqual([zygote]);
  });
});

describe('a zygote that is killed', () => {
  test('its workers serve on, what they run ends well, and another zygote is started', async () => {
    await start();
    const zygote = await zygotePid();
    const { pids } = site.supervisor;
    const held = await hold(site, 'held');
    process.kill(zygote, 'SIGKILL');
    const record = await site.log.waitFor(/XGI_ZYGOTE_EXIT/);
    expect(record.message).toContain(`the zygote ${zygote} ended (signal SIGKILL)`);
    for (const { pid } of await askMany(site)) expect(pids).toContain(pid);
    const successor = await zygotePid(2);
    expect(successor).not.toBe(zygote);
    expect(site.supervisor.pids).toEqual(pids);
    site.write('held');
    expect(pids).toContain(parseSteered(await held()).pid);
    expect(site.lines('imports')).toEqual([String(zygote), String(successor)]);

    // Nobody tells of the end of the old workers any more: it is looked for.
    process.kill(pids[0]!, 'SIGKILL');
    const exit = await site.log.waitFor(/XGI_WORKER_EXIT/);
    expect(exit.message).toContain(
      `worker ${pids[0]} ended (status unknown, for the zygote had died before)`,
    );
    await pollUntil(() => readyPids().length === 2);
    expect(parentOf(site.supervisor.pids.find((pid) => !pids.includes(pid))!)).toBe(successor);
    await askMany(site);
  });

  test('a worker that dies while there is no zygote is replaced as soon as there is one', async () => {
    await start({ workers: 1, supervisor: { queueTimeoutMs: 25_000 } });
    const zygote = await zygotePid();
    const [pid] = site.supervisor.pids as [number];
    process.kill(zygote, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    const waiting = askMany(site);
    await replaced([pid], 1);
    for (const answer of await waiting) expect(answer.pid).not.toBe(pid);
  });

  test('and whose successor cannot load the application: the workers serve on; it is tried again', async () => {
    await start();
    const { pids } = site.supervisor;
    site.write('broken');
    process.kill(await zygotePid(), 'SIGKILL');
    const record = await site.log.waitFor(/XGI_APP_RAISED: the zygote/);
    expect(record.fields['detail']).toContain('RuntimeError');
    for (const { pid } of await askMany(site)) expect(pids).toContain(pid);
    rmSync(`${site.directory}/broken`);
    await zygotePid(2);
    process.kill(pids[0]!, 'SIGKILL');
    await pollUntil(() => readyPids().length === 2 && !readyPids().includes(pids[0]!));
  });

  test('again and again: with pauses, and the workers serve on', async () => {
    await start();
    const { pids } = site.supervisor;
    for (let nth = 1; nth <= 4; nth++) {
      process.kill(await zygotePid(nth), 'SIGKILL');
      await pollUntil(() => site.log.matching(/XGI_ZYGOTE_EXIT/).length === nth);
    }
    await zygotePid(5);
    expect(site.supervisor.pids).toEqual(pids);
    await pollUntil(() => processesOf(site).length === 3);
  });

  test('a zygote that hangs: a reload gets rid of it and of its workers all the same', async () => {
    await start();
    const zygote = await zygotePid();
    const { pids } = site.supervisor;
    process.kill(zygote, 'SIGSTOP');
    expect(await site.supervisor.reload()).toBe('reloaded');
    await replaced(pids, 2);
    await pollUntil(() => site.supervisor.status().workers.length === 2, {
      what: 'the end of the old workers',
    });
    await allEnded([zygote, ...pids]);
    await askMany(site);
  });

  test(
    'a zygote that hangs when it is needed: it is killed, and another forks the replacement',
    { timeout: 40_000 },
    async () => {
      await start();
      const zygote = await zygotePid();
      const [first] = site.supervisor.pids;
      process.kill(zygote, 'SIGSTOP');
      process.kill(first!, 'SIGKILL');
      await pollUntil(() => site.log.matching(/has not forked for 10 s/).length === 1, {
        deadlineMs: 20_000,
      });
      await pollUntil(() => readyPids().length === 2, { what: 'the replacement', deadlineMs: 15_000 });
      await allEnded([zygote]);
      await askMany(site);
    },
  );

  test('during a reload', async () => {
    await start();
    const zygote = await zygotePid();
    const reload = site.supervisor.reload();
    process.kill(zygote, 'SIGKILL');
    expect(await reload).toBe('reloaded');
    await askMany(site);
    await pollUntil(() => processesOf(site).length === 3);
  });
});

describe('an application that cannot be loaded', () => {
  test.each([
    ['raises', 'raise KeyError("setting")\n', 'XGI_APP_RAISED', /KeyError/],
    ['exits', 'import os\nos._exit(7)\n', 'XGI_WORKER_BOOT', /status 7/],
    ['segfaults', 'import ctypes\nctypes.string_at(0)\n', 'XGI_WORKER_BOOT', /SIGSEGV/],
    [
      'has a hook that raises',
      'from steered import app\nfrom xgi_worker import post_fork\n\n@post_fork\ndef hook():\n    raise KeyError("hook")\n',
      'XGI_APP_RAISED',
      /KeyError.*hook/,
    ],
  ])('%s: start() says why, and nothing is left', async (_what, source, code, message) => {
    site = await listenOnly({
      target: 'app:app',
      workers: 2,
      modules: { 'app.py': source },
      supervisor: { preload: true },
    });
    const error = await site.supervisor.start().catch((reason: unknown) => reason as BootError);
    expect(error).toBeInstanceOf(BootError);
    expect((error as BootError).code).toBe(code);
    expect((error as BootError).message).toMatch(message);
    await pollUntil(() => processesOf(site).length === 0);
  });

  test('a hook that fails later: the others serve on, and it is tried again', async () => {
    await start();
    const [first, second] = site.supervisor.pids as [number, number];
    site.write('post_fork_fails');
    process.kill(first, 'SIGKILL');
    await pollUntil(() => site.log.matching(/post_fork_fails/).length >= 2);
    for (const { pid } of await askMany(site)) expect(pid).toBe(second);
    rmSync(`${site.directory}/post_fork_fails`);
    await pollUntil(() => readyPids().length === 2);
  });
});

describe('stop()', () => {
  test('leaves no process, zygotes included', async () => {
    await start({ workers: 3 });
    const zygote = await zygotePid();
    const { pids } = site.supervisor;
    await site.supervisor.stop(5000);
    await allEnded([zygote, ...pids]);
  });

  test('at once, while requests run and a reload is under way', async () => {
    await start();
    await hold(site, 'held').then((answer) => void answer().catch(() => {}));
    const reload = site.supervisor.reload();
    await pollUntil(() => processesOf(site).length > 3);
    await site.supervisor.stop(0);
    expect(await reload).not.toBe('reloaded');
    await pollUntil(() => processesOf(site).length === 0);
  });

  test('when the zygote has been killed before', async () => {
    await start();
    const { pids } = site.supervisor;
    process.kill(await zygotePid(), 'SIGKILL');
    await site.log.waitFor(/XGI_ZYGOTE_EXIT/);
    await site.supervisor.stop(5000);
    await allEnded(pids);
    await pollUntil(() => processesOf(site).length === 0);
  });

  test('a zygote that is stopped by SIGSTOP does not stay', async () => {
    await start();
    const zygote = await zygotePid();
    process.kill(zygote, 'SIGSTOP');
    try {
      await site.supervisor.stop(1000);
      await pollUntil(() => processesOf(site).length === 0, { what: 'the end of all processes' });
    } finally {
      if (isAlive(zygote)) process.kill(zygote, 'SIGCONT');
    }
  });
});
