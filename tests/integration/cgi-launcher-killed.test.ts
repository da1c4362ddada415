/** Launchers that die: what they were running gets 502 and is killed, who waits is run by another, and others take their places. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allGone, CgiSite, descriptorsOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

test('SIGKILL: 502 for what ran, its programs are killed, and the next requests work', async () => {
  await site.start();
  const answers = ['/hangs.sh', '/hangs.py', '/ignores-term.sh'].map((target) => site.get(target));
  const cut = site.get('/writes-slowly.sh');
  const pids = await site.pids(5);
  const launchers = await site.signalLaunchers();
  for (const answer of answers) {
    const { status, body } = await answer;
    expect([status, body.toString()]).toEqual([502, expect.stringContaining('XGI_CGI_LAUNCHER')]);
  }
  // Its answer had begun.
  expect(await cut).toMatchObject({ status: 200, complete: false });
  // At once, and without a word: there is nobody left to give them a grace.
  await allGone(pids, 2000);
  for (const launcher of launchers)
    await site.logged(
      new RegExp(
        `\\[ERROR\\] XGI_CGI_LAUNCHER: the launcher of programs, ${launcher}, ended \\(SIGKILL\\); another is started`,
      ),
    );
  const next = await site.nextLauncherPids(launchers);
  expect(next).toHaveLength(launchers.length);
  expect((await site.get('/hello.sh')).status).toBe(200);
  expect((await site.get('/hello.py')).status).toBe(200);
  await site.untilIdle();
  const [gateway] = (await site.status()).gateways;
  expect(gateway!.totals).toMatchObject({ crashed: launchers.length, booted: 2 * launchers.length });
});

test('SIGKILL of one: what the others run goes on, and another takes its place', async () => {
  await site.start();
  const count = 2 * (await site.launcherPids()).length;
  const answers = Array.from({ length: count }, (_, i) => site.get(`/hold.sh/${i}?on`));
  await pollUntil(() => site.notes('runs').length === count);
  const [first, ...others] = await site.workers();
  expect([first!, ...others].map(({ running }) => running.length)).toEqual([2, ...others.map(() => 2)]);
  process.kill(first!.pid!, 'SIGKILL');
  const lost = first!.running.map(({ path }) => Number(path.slice('/hold.sh/'.length)));
  for (const i of lost) expect((await answers[i]!).status).toBe(502);
  const workers = await pollUntil(async () => {
    const now = await site.workers();
    return now[0]!.state === 'ready' && now[0]!.pid !== first!.pid && now;
  });
  expect(workers.slice(1).map(({ pid }) => pid)).toEqual(others.map(({ pid }) => pid));
  expect(site.programPids().length).toBeGreaterThanOrEqual(count - 2);
  site.letGo('on');
  for (const [i, answer] of answers.entries())
    expect([i, (await answer).status]).toEqual([i, lost.includes(i) ? 502 : 200]);
  const [gateway] = (await site.status()).gateways;
  expect(gateway!.totals).toMatchObject({ crashed: 1, booted: others.length + 2 });
});

test('what a program has left behind, with its output, is killed as well', async () => {
  await site.start();
  const answer = site.get('/leaves-a-child.sh');
  const pids = await site.pids(1);
  await site.signalLaunchers();
  expect((await answer).complete).toBe(false);
  await allGone(pids, 2000);
});

test('killed at any moment of a start: no program is left that nobody knows', async () => {
  await site.start();
  for (let round = 0; round < 10; round++) {
    const answers = Array.from({ length: 10 }, () => site.get('/hangs.sh'));
    await pollUntil(() => site.programPids().length > 0, { everyMs: 1 });
    await site.nextLauncherPids(await site.signalLaunchers());
    // Those that they had not begun are run by the next ones.
    const launchers = await site.signalLaunchers();
    await Promise.all(answers);
    await site.untilNoProgram(3000);
    await site.nextLauncherPids(launchers);
  }
});

test('warm programs are killed with them, and so are the interpreters that they come from', async () => {
  await site.start();
  await site.untilWarm();
  const answers = ['a', 'b', 'c'].map((name) => site.get(`/hold.py?${name}`));
  const pids = await site.pids(3);
  const zygotes = await site.zygotePids();
  expect(zygotes).toHaveLength((await site.launcherPids()).length);
  await site.signalLaunchers();
  for (const answer of answers) expect((await answer).status).toBe(502);
  await allGone([...pids, ...zygotes], 5000);
  await site.untilWarm();
});

test('the death of warm interpreters costs no request: others take their places', async () => {
  await site.start();
  await site.untilWarm();
  const answer = site.get('/hold.py?on');
  await site.pids(1);
  const zygotes = await site.zygotePids();
  for (const zygote of zygotes) process.kill(zygote, 'SIGKILL');
  const answers = await Promise.all(Array.from({ length: 10 }, () => site.get('/hello.py')));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  site.letGo('on');
  const { status, body } = await answer;
  expect([status, body.toString()]).toEqual([200, 'on went on\n']);
  await site.untilWarm();
  expect((await site.zygotePids()).filter((pid) => zygotes.includes(pid))).toEqual([]);
});

test('a program whose warm interpreter has died ends on a timeout and with its client all the same', async () => {
  await site.start(['--cgi-idle-timeout', '1s']);
  await site.untilWarm();
  const answer = site.get('/hold.py?never');
  const client = site.open('/hold.py?nor-this');
  const pids = await site.pids(2);
  const zygotes = await site.zygotePids();
  for (const zygote of zygotes) process.kill(zygote, 'SIGKILL');
  client.reset();
  expect((await answer).status).toBe(504);
  await allGone(pids);
  await site.untilIdle();
});

test('requests that come while there is none wait for the next ones', async () => {
  await site.start();
  for (let round = 0; round < 5; round++) {
    const launchers = await site.signalLaunchers();
    const answers = await Promise.all(Array.from({ length: 10 }, () => site.get('/hello.sh')));
    // Those that they had taken are lost with them: none of them was begun twice.
    for (const { status } of answers) expect([200, 502]).toContain(status);
    await site.nextLauncherPids(launchers);
    expect((await site.get('/hello.sh')).status).toBe(200);
  }
});

test('who waits for a place is run by the next one, or by another', async () => {
  await site.start(['--cgi-concurrency', '1']);
  const first = site.get('/hangs.sh');
  await site.pids(1);
  const waiting = [site.get('/hello.sh'), site.get('/hello.py')];
  await pollUntil(async () => (await site.status()).gateways[0]!.queue.waiting === 2);
  const launcher = (await site.workers()).find(({ running }) => running.length === 1)!;
  process.kill(launcher.pid!, 'SIGKILL');
  expect((await first).status).toBe(502);
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const)(
  '%s to launchers is not heeded: their channels decide',
  async (signal) => {
    await site.start();
    const answer = site.get('/hold.sh?x');
    await pollUntil(() => site.notes('runs').length === 1);
    const launchers = await site.signalLaunchers(signal);
    site.letGo('x');
    expect((await answer).status).toBe(200);
    expect(await site.launcherPids()).toEqual(launchers);
  },
);

test('stopped launchers hold nobody up for ever: the timeout counts, and SIGCONT mends it', async () => {
  await site.start(['--cgi-timeout', '2s']);
  await site.signalLaunchers('SIGSTOP');
  expect((await site.get('/hello.sh')).status).toBe(504);
  await site.signalLaunchers('SIGCONT');
  await site.untilIdle();
  expect((await site.get('/hello.sh')).status).toBe(200);
});

test('20 deaths of all launchers leave no process and no descriptor', async () => {
  await site.start();
  await site.get('/hello.sh');
  const before = descriptorsOf(site.server.pid);
  for (let round = 0; round < 20; round++) {
    const clients = [
      site.get('/hangs.sh'),
      site.get('/echoes-body.py', { method: 'POST', body: Buffer.alloc(200_000) }),
    ];
    await site.pids(round + 1);
    const launchers = await site.signalLaunchers();
    await Promise.all(clients);
    await site.nextLauncherPids(launchers);
  }
  await site.untilIdle();
  await site.untilNoProgram();
  await site.untilNothingSpooled();
  await pollUntil(() => descriptorsOf(site.server.pid) <= before, { what: 'the end of the descriptors' });
});
