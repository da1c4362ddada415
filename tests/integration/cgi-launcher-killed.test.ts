/** A launcher that dies: what it was running gets 502 and is killed, who waits is run by the next one. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allGone, CgiSite, descriptorsOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

async function nextLauncher(before: number): Promise<number> {
  return await pollUntil(
    async () => {
      const worker = (await site.status()).gateways[0]!.workers[0]!;
      return worker.state === 'ready' && worker.pid !== before && worker.pid;
    },
    { what: 'another launcher' },
  );
}

test('SIGKILL: 502 for what ran, its programs are killed, and the next requests work', async () => {
  await site.start();
  const answers = ['/hangs.sh', '/hangs.py', '/ignores-term.sh'].map((target) => site.get(target));
  const cut = site.get('/writes-slowly.sh');
  const pids = await site.pids(5);
  const launcher = await site.launcherPid();
  process.kill(launcher, 'SIGKILL');
  for (const answer of answers) {
    const { status, body } = await answer;
    expect([status, body.toString()]).toEqual([502, expect.stringContaining('XGI_CGI_LAUNCHER')]);
  }
  // Its answer had begun.
  expect(await cut).toMatchObject({ status: 200, complete: false });
  // At once, and without a word: there is nobody left to give them a grace.
  await allGone(pids, 2000);
  await site.logged(
    new RegExp(
      `\\[ERROR\\] XGI_CGI_LAUNCHER: the launcher of programs, ${launcher}, ended \\(SIGKILL\\); another is started`,
    ),
  );
  await nextLauncher(launcher);
  expect((await site.get('/hello.sh')).status).toBe(200);
  expect((await site.get('/hello.py')).status).toBe(200);
  const [gateway] = (await site.status()).gateways;
  expect(gateway!.workers[0]!.running).toEqual([]);
  expect(gateway!.totals).toMatchObject({ crashed: 1, booted: 2 });
});

test('what a program has left behind, with its output, is killed as well', async () => {
  await site.start();
  const answer = site.get('/leaves-a-child.sh');
  const pids = await site.pids(1);
  process.kill(await site.launcherPid(), 'SIGKILL');
  expect((await answer).complete).toBe(false);
  await allGone(pids, 2000);
});

test('killed at any moment of a start: no program is left that nobody knows', async () => {
  await site.start();
  let launcher = await site.launcherPid();
  for (let round = 0; round < 10; round++) {
    const answers = Array.from({ length: 10 }, () => site.get('/hangs.sh'));
    await pollUntil(() => site.programPids().length > 0, { everyMs: 1 });
    process.kill(launcher, 'SIGKILL');
    launcher = await nextLauncher(launcher);
    // Those that it had not begun are run by the next one.
    process.kill(launcher, 'SIGKILL');
    await Promise.all(answers);
    await site.untilNoProgram(3000);
    launcher = await nextLauncher(launcher);
  }
});

test('warm programs are killed with it, and so is the interpreter that they come from', async () => {
  await site.start();
  await site.untilWarm();
  const answers = ['a', 'b', 'c'].map((name) => site.get(`/hold.py?${name}`));
  const pids = await site.pids(3);
  const zygotes = await site.zygotePids();
  expect(zygotes).toHaveLength(1);
  process.kill(await site.launcherPid(), 'SIGKILL');
  for (const answer of answers) expect((await answer).status).toBe(502);
  await allGone([...pids, ...zygotes], 5000);
  await site.untilWarm();
});

test('the death of a warm interpreter costs no request: another one takes its place', async () => {
  await site.start();
  await site.untilWarm();
  const answer = site.get('/hold.py?on');
  await site.pids(1);
  const [zygote] = await site.zygotePids();
  process.kill(zygote!, 'SIGKILL');
  const answers = await Promise.all(Array.from({ length: 10 }, () => site.get('/hello.py')));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  site.letGo('on');
  const { status, body } = await answer;
  expect([status, body.toString()]).toEqual([200, 'on went on\n']);
  await site.untilWarm();
  expect(await site.zygotePids()).not.toContain(zygote);
  await site.untilIdle();
});

test('a program whose warm interpreter has died ends on a timeout and with its client all the same', async () => {
  await site.start(['--cgi-idle-timeout', '1s']);
  await site.untilWarm();
  const answer = site.get('/hold.py?never');
  const client = site.open('/hold.py?nor-this');
  const pids = await site.pids(2);
  const [zygote] = await site.zygotePids();
  process.kill(zygote!, 'SIGKILL');
  client.reset();
  expect((await answer).status).toBe(504);
  await allGone(pids);
  await site.untilIdle();
});

test('requests that come while there is none wait for the next one', async () => {
  await site.start();
  for (let round = 0; round < 5; round++) {
    const launcher = await site.launcherPid();
    process.kill(launcher, 'SIGKILL');
    const answers = await Promise.all(Array.from({ length: 10 }, () => site.get('/hello.sh')));
    // Those that it had taken are lost with it: none of them was begun twice.
    for (const { status } of answers) expect([200, 502]).toContain(status);
    await nextLauncher(launcher);
    expect((await site.get('/hello.sh')).status).toBe(200);
  }
});

test('who waits for a place is run by the next one', async () => {
  await site.start(['--cgi-concurrency', '1']);
  const first = site.get('/hangs.sh');
  await site.pids(1);
  const waiting = [site.get('/hello.sh'), site.get('/hello.py')];
  await pollUntil(async () => (await site.status()).gateways[0]!.queue.waiting === 2);
  process.kill(await site.launcherPid(), 'SIGKILL');
  expect((await first).status).toBe(502);
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const)(
  '%s to the launcher is not heeded: its channel decides',
  async (signal) => {
    await site.start();
    const launcher = await site.launcherPid();
    const answer = site.get('/hold.sh?x');
    await pollUntil(() => site.notes('runs').length === 1);
    process.kill(launcher, signal);
    site.letGo('x');
    expect((await answer).status).toBe(200);
    expect(await site.launcherPid()).toBe(launcher);
  },
);

test('a stopped launcher holds nobody up for ever: the timeout counts, and SIGCONT mends it', async () => {
  await site.start(['--cgi-timeout', '700ms']);
  const launcher = await site.launcherPid();
  process.kill(launcher, 'SIGSTOP');
  expect((await site.get('/hello.sh')).status).toBe(504);
  process.kill(launcher, 'SIGCONT');
  await site.untilIdle();
  expect((await site.get('/hello.sh')).status).toBe(200);
});

test('20 deaths leave no process and no descriptor', async () => {
  await site.start();
  await site.get('/hello.sh');
  const before = descriptorsOf(site.server.pid);
  for (let round = 0; round < 20; round++) {
    const launcher = await site.launcherPid();
    const clients = [
      site.get('/hangs.sh'),
      site.get('/echoes-body.py', { method: 'POST', body: Buffer.alloc(200_000) }),
    ];
    await site.pids(round + 1);
    process.kill(launcher, 'SIGKILL');
    await Promise.all(clients);
    await nextLauncher(launcher);
  }
  await site.untilIdle();
  await site.untilNoProgram();
  await site.untilNothingSpooled();
  await pollUntil(() => descriptorsOf(site.server.pid) <= before, { what: 'the end of the descriptors' });
});
