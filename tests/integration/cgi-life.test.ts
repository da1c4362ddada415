/** The service around programs: what `xgi status` shows, reload, shutdown with its grace, hand-over, and starts that fail. */
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allGone, CgiSite } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { isRunning, readStatus, runXgi } from '../support/xgi.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

const control = (): string[] => ['--control-socket', site.controlSocket];

test('status shows the program that runs, for whom, and for how long', async () => {
  await site.start();
  const answer = site.get('/hold.sh/some/info?shown');
  await pollUntil(() => site.notes('runs').length === 1);
  const status = await readStatus(control(), {});
  const running = status!.gateways[0]!.workers.flatMap((worker) => worker.running);
  expect(running).toMatchObject([{ method: 'GET', path: '/hold.sh/some/info' }]);
  const launchers = status!.gateways[0]!.workers.length;
  expect(status!.workers).toEqual({ min: launchers, max: launchers });
  const { code, stdout } = await runXgi(['status', ...control()]);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^  workers +${launchers}, ${launchers} ready$`, 'm'));
  expect(stdout).toContain('GET /hold.sh/some/info');
  site.letGo('shown');
  await answer;
  await site.untilIdle();
  expect((await site.status()).gateways[0]!.totals).toMatchObject({
    requests: 1,
    timeouts: 0,
    died: 0,
    crashed: 0,
  });
});

test('scale is refused with a sentence: programs have no workers', async () => {
  await site.start();
  const { code, stderr } = await runXgi(['scale', '4', ...control()]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/CGI programs have no workers; how many run at once is --cgi-concurrency/);
});

test.each(['xgi reload', 'SIGHUP'])(
  '%s touches no program that runs, and the next ones are run',
  async (way) => {
    await site.start();
    const answer = site.get('/hold.sh?r');
    await pollUntil(() => site.notes('runs').length === 1);
    if (way === 'SIGHUP') site.server.child.kill('SIGHUP');
    else expect((await runXgi(['reload', ...control()])).code).toBe(0);
    await pollUntil(async () => (await site.status()).lastReload?.ok);
    expect((await site.get('/hello.py')).body.toString()).toBe('hello from python\n');
    site.letGo('r');
    expect((await answer).body.toString()).toBe('r went on\n');
  },
);

test('a changed program is seen at once, without a reload', async () => {
  await site.start();
  for (let i = 0; i < 5; i++) {
    site.program('changes.py', `#!/usr/bin/env python3\nprint("Content-Type: text/plain\\n\\n${i}")\n`);
    expect((await site.get('/changes.py')).body.toString()).toBe(`${i}\n`);
  }
});

test('SIGTERM: programs that run may end in the grace, and their clients have their answers', async () => {
  await site.start(['--graceful-timeout', '20s']);
  const answer = site.get('/hold.sh?grace');
  await pollUntil(() => site.notes('runs').length === 1);
  const launchers = await site.launcherPids();
  const stopped = site.server.stop('SIGTERM');
  await site.logged(/Handling signal: term/);
  await pollUntil(async () => (await fetch(site.server.origin).catch(() => undefined)) === undefined, {
    what: 'connections to be refused',
  });
  expect(launchers.every(isRunning)).toBe(true);
  site.letGo('grace');
  expect((await answer).body.toString()).toBe('grace went on\n');
  expect(await stopped).toEqual({ code: 0, signal: null });
  await allGone(launchers);
  expect(readdirSync(site.file('tmp'))).toEqual([]);
});

test('those that take longer end with it, though they ignore SIGTERM; their clients have 503', async () => {
  await site.start(['--graceful-timeout', '500ms']);
  const answer = site.get('/ignores-term.sh');
  const pids = await site.pids(2);
  const launchers = await site.launcherPids();
  const beganMs = performance.now();
  const exit = await site.server.stop('SIGTERM');
  expect(exit).toEqual({ code: 0, signal: null });
  expect(performance.now() - beganMs).toBeLessThan(15_000);
  expect((await answer).status).toBe(503);
  await allGone([...pids, ...launchers]);
  expect(readdirSync(site.file('tmp'))).toEqual([]);
});

test('who waits for a place is sent away at a stop, and never run', async () => {
  await site.start(['--cgi-concurrency', '1', '--graceful-timeout', '2s']);
  const running = site.get('/hold.sh?a');
  await pollUntil(() => site.notes('runs').length === 1);
  const waiting = site.get('/hold.sh?b');
  await pollUntil(async () => (await site.status()).gateways[0]!.queue.waiting === 1);
  const stopped = site.server.stop('SIGTERM');
  await site.logged(/Handling signal: term/);
  site.letGo('b');
  site.letGo('a');
  expect((await running).status).toBe(200);
  // Either it still had its turn within the grace, or it was told so; never a broken connection.
  expect([200, 503]).toContain((await waiting).status);
  expect((await stopped).code).toBe(0);
});

test('SIGINT, or xgi stop --quick, waits for nobody', async () => {
  await site.start(['--graceful-timeout', '60s']);
  void site.get('/hangs.sh').catch(() => {});
  const pids = await site.pids(1);
  const beganMs = performance.now();
  expect((await runXgi(['stop', '--quick', ...control()])).code).toBe(0);
  expect((await site.server.exited).code).toBe(0);
  expect(performance.now() - beganMs).toBeLessThan(15_000);
  await allGone(pids);
});

test('SIGKILL of xgi: the launchers end all programs, and themselves', async () => {
  await site.start();
  void site.get('/hangs.sh').catch(() => {});
  void site.get('/ignores-term.sh').catch(() => {});
  const pids = await site.pids(3);
  const launchers = await site.launcherPids();
  site.server.child.kill('SIGKILL');
  await allGone([...pids, ...launchers]);
});

test('a hand-over (SIGUSR2): what runs is answered, and the successor has launchers of its own', async () => {
  await site.start(['--graceful-timeout', '20s']);
  const answer = site.get('/hold.sh?old');
  await pollUntil(() => site.notes('runs').length === 1);
  const launchers = await site.launcherPids();
  site.server.child.kill('SIGUSR2');
  await site.logged(/Handing over to \d+/);
  const next = await pollUntil(async () => {
    const status = await site.status();
    return (
      status.pid !== site.server.pid &&
      status.state === 'ready' &&
      status.gateways[0]!.workers.map(({ pid }) => pid!)
    );
  });
  expect(next).toHaveLength(launchers.length);
  expect(launchers.filter((pid) => next.includes(pid))).toEqual([]);
  expect((await site.get('/hello.sh')).body.toString()).toBe('hello from sh\n');
  site.letGo('old');
  expect((await answer).body.toString()).toBe('old went on\n');
  await allGone([...launchers, site.server.pid]);
  process.kill((await site.status()).pid, 'SIGTERM');
  await allGone(next);
});

test('two gateways, each with launchers and its share of the places', async () => {
  await site.start(['--gateways', '2', '--cgi-concurrency', '4']);
  const status = await pollUntil(async () => {
    const told = await site.status();
    return (
      told.gateways.length === 2 &&
      told.gateways.every(
        ({ workers }) => workers.length > 0 && workers.every(({ state }) => state === 'ready'),
      ) &&
      told
    );
  });
  const launchers = status.gateways.flatMap(({ workers }) => workers.map(({ pid }) => pid!));
  expect(new Set(launchers).size).toBe(launchers.length);
  expect(status.workers).toEqual({ min: launchers.length, max: launchers.length });
  const answers = await Promise.all(Array.from({ length: 20 }, () => site.get('/hello.sh')));
  expect(answers.every(({ status: code }) => code === 200)).toBe(true);
  expect(await site.server.stop()).toEqual({ code: 0, signal: null });
  await allGone(launchers);
});

test('a launcher that cannot start is a start error that names the interpreter', async () => {
  const broken = site.write(
    'broken-python',
    '#!/bin/sh\ncase "$*" in *xgi-python*) printf "xgi-python 3.11.0";; *) echo "no such luck" >&2; exit 5;; esac\n',
    0o755,
  );
  const server = site.spawn(['--python', broken]);
  const { code } = await server.exited;
  expect(code).toBe(3);
  expect(server.stderr).toMatch(
    /XGI_CGI_LAUNCHER: the launcher of programs does not start with \S+broken-python: it ended: status 5; choose another interpreter with --python/,
  );
  expect(server.stderr).toContain('no such luck');
  expect(readdirSync(site.file('tmp'))).toEqual([]);
});

test.each([
  [['--python', '/no/such/python'], /--python/],
  [['--cgi-user', 'no-such-user'], /--cgi-user/],
  [['--cgi-index-query', 'missing.cgi'], /--cgi-index-query: expected a program/],
  [['--sendfile-root', 'missing'], /--sendfile-root: expected a folder/],
  [['--cgi-concurrency', '0'], /--cgi-concurrency/],
  [['--cgi-limit-cpu', '-1'], /--cgi-limit-cpu/],
  [['--cgi-limit-memory', 'lots'], /--cgi-limit-memory/],
  [['--mount', 'cgi-bin'], /--mount/],
  [['-w', '2'], /--workers.*--cgi-concurrency|-w.*--cgi-concurrency/],
])('%j is refused at the start, with a sentence', async (flags, says) => {
  const server = site.spawn(flags);
  expect((await server.exited).code).toBe(2);
  expect(server.stderr).toMatch(says);
});

test('a single program is served for all paths below its mount', async () => {
  await site.start(['--mount', '/tool'], { target: 'cgi-bin/report.py' });
  const { env } = await site.report('/tool/a/b?c');
  expect(env).toMatchObject({ SCRIPT_NAME: '/tool', PATH_INFO: '/a/b', QUERY_STRING: 'c' });
  for (const target of ['/', '/tools', '/hello.sh', '/report.py'])
    expect([target, (await site.get(target)).status]).toEqual([target, 404]);
});

test('a folder of programs by a link, and --check-config', async () => {
  symlinkSync('cgi-bin', site.file('link'));
  await site.start([], { target: 'link' });
  const { env } = await site.report();
  expect(env).toMatchObject({ DOCUMENT_ROOT: site.programs, SCRIPT_FILENAME: `${site.programs}/report.py` });
  const other = site.spawn(['--check-config']);
  expect((await other.exited).code).toBe(0);
  expect(existsSync(site.file('notes/pids'))).toBe(false);
});
