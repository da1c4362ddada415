import { afterEach, expect, test } from 'vitest';
import { Launchers } from '../../../src/programs/launchers.js';
import { isAlive, pollUntil } from '../../support/poll.js';
import { testPython } from '../../support/test-env.js';
import { begin, describeRunner, SETTINGS, shell, SILENT } from './runners.js';

const running: Launchers[] = [];

function make(count = 2): Launchers {
  const options = { python: testPython(), settings: SETTINGS, log: SILENT, onLost: undefined };
  const launchers = new Launchers(count, options);
  running.push(launchers);
  return launchers;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((launchers) => launchers.stop(0)));
});

describeRunner('Launchers', () => {
  const options = { python: testPython(), settings: SETTINGS, log: SILENT, onLost: undefined };
  return new Launchers(2, options);
});

test('a run goes to the one that runs the fewest', async () => {
  const launchers = make(3);
  await launchers.start();
  const pids = launchers.status().map(({ pid }) => pid);
  expect(new Set(pids).size).toBe(3);
  const owners = Array.from({ length: 6 }, () => begin(launchers, shell('sleep 60')));
  expect(owners.map(({ run }) => run!.runner)).toEqual([...pids, ...pids]);
  owners[1]!.run!.abort();
  await owners[1]!.until('ended');
  expect(begin(launchers, shell('true')).run!.runner).toBe(pids[1]);
});

test('what is over is counted where it ran', async () => {
  const launchers = make();
  await launchers.start();
  await begin(launchers, shell('true')).over();
  await begin(launchers, shell('true')).over();
  const both = [begin(launchers, shell('sleep 0.1')), begin(launchers, shell('sleep 0.1'))];
  await Promise.all(both.map((owner) => owner.over()));
  expect(launchers.status().map(({ served }) => served)).toEqual([3, 1]);
});

test('one dies: what the others run goes on, they take what comes, and another takes its place', async () => {
  const launchers = make();
  await launchers.start();
  const [first] = launchers.status().map(({ pid }) => pid!);
  const lost = begin(launchers, shell('sleep 60'));
  const kept = begin(launchers, shell('sleep 0.5; printf kept'));
  await Promise.all([lost.until('started'), kept.until('started')]);
  process.kill(first!, 'SIGKILL');
  await lost.until('failed');
  expect(lost.failure).toMatchObject({ status: 502, code: 'XGI_CGI_LAUNCHER' });
  expect(launchers.isReady).toBe(true);
  expect(begin(launchers, shell('true')).run!.runner).not.toBe(first);
  await pollUntil(() => !isAlive(lost.pid!));
  expect((await kept.over()).text).toBe('kept');
  await pollUntil(() => launchers.status().every(({ ready }) => ready));
  const [status] = launchers.status();
  expect(status).toMatchObject({ booted: 2, crashed: 1 });
  expect(status!.pid).not.toBe(first);
});

test('none is there: a run is refused, and the first that comes is told of', async () => {
  const launchers = make();
  expect(launchers.isReady).toBe(false);
  expect(() => begin(launchers, shell('true'))).toThrow(expect.objectContaining({ status: 503 }));
  let ready = 0;
  launchers.onReady = () => ready++;
  await launchers.start();
  expect(ready).toBe(2);
});

test('one that cannot be started: the start fails, and stop leaves nothing', async () => {
  const launchers = new Launchers(2, {
    python: '/bin/false',
    settings: SETTINGS,
    log: SILENT,
    onLost: undefined,
  });
  running.push(launchers);
  await expect(launchers.start()).rejects.toMatchObject({ code: 'XGI_CGI_LAUNCHER' });
});
