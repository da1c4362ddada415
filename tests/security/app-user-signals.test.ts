/**
 * The story of the attack: two applications in one server have a user each, and one of them has been taken over. It sends signals to all that it
 * can name. The gateway may not signal its workers itself, so the spawner does; the application preloads, and has its zygote tell the gateway
 * that the worker it has forked is somebody else: the gateway, whose real user the spawner has, or the other application. Then it runs into its
 * deadline, and waits for that process to be killed for it.
 */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { allGone, isReachable, UserSite } from '../support/user-site.js';
import { isRunning } from '../support/xgi.js';

let site: UserSite;

beforeEach(() => {
  site = new UserSite();
});
afterEach(() => site.destroy());

// Only root can set the stage; elsewhere xgi refuses such a configuration (integration/app-users.test.ts).
describe.runIf(isReachable())('an application with a user of its own', () => {
  test('can signal neither the gateway, nor a spawner, nor another application', async () => {
    await site.start({ two: { preload: true } });
    const own = await site.pidOf('one');
    const others = site.pids.filter((pid) => pid !== own);
    expect(others.length).toBe(6);
    const attack = `
import signal
value = []
for pid in ${JSON.stringify(others)}:
    # Not SIGCONT, which does no harm, and which the system allows in a session.
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGABRT):
        try:
            os.kill(pid, number)
            value.append([pid, number])
        except PermissionError:
            pass
`;
    expect(await site.ask('one', attack)).toEqual([]);
    expect(others.filter((pid) => !isRunning(pid))).toEqual([]);
    expect(await site.ask('two', 'value = 2')).toBe(2);
  });

  test.each(['the gateway', 'a spawner', 'another application', 'everybody'])(
    'has a lie of its zygote signal nobody: %s',
    async (whom) => {
      await site.start({
        one: { preload: true, timeout: '300ms' },
        server: { gracefulTimeout: '300ms' },
      });
      const victims: Record<string, number> = {
        'the gateway': site.server.pid,
        'a spawner': site.spawners[0]!,
        'another application': await site.pidOf('two'),
        everybody: 4_294_967_295,
      };
      site.project.write(
        'one.py',
        `import os
real = os.fork
def fork():
    pid = real()
    return pid and ${victims[whom]}
os.fork = fork
${readFileSync(site.project.file('one.py'), 'utf8')}`,
      );
      expect(await site.reload()).toMatchObject({ ok: true });
      const others = [site.server.pid, ...site.spawners, await site.pidOf('two'), await site.pidOf('three')];
      const stuck = 'while True:\n    try:\n        time.sleep(600)\n    except BaseException:\n        pass';
      await expect(site.ask('one', stuck)).rejects.toThrow('504');
      await site.server.waitForOutput(/XGI_WORKER_STUCK/);
      // It would be killed about now: its successor is there.
      await pollUntil(async () => (await site.ask('one', 'value = 1')) === 1);
      expect(others.filter((pid) => !isRunning(pid))).toEqual([]);
      expect(await site.ask('two', 'value = 2')).toBe(2);
      const all = site.pids;
      expect(await site.server.stop()).toEqual({ code: 0, signal: null });
      const stays = all.filter((pid) => isRunning(pid));
      for (const pid of stays) process.kill(pid, 'SIGKILL');
      await allGone(all);
    },
  );
});
