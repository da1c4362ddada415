import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { pollUntil } from '../../support/poll.js';
import { isRunning } from '../../support/xgi.js';
import { killOrphans, requestIdIn } from '../../../src/programs/orphans.js';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process group of its own, whose leader and child have that variable. */
async function program(requestId: string): Promise<{ pid: number; child: ChildProcess; descendant: number }> {
  const child = spawn('/bin/sh', ['-c', 'sleep 1000 & echo $!; wait'], {
    env: { A: 'b', UNIQUE_ID: requestId, PATH: '/bin:/usr/bin' },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { pid: child.pid!, child, descendant: Number(line.toString()) };
}

const signalOf = async (child: ChildProcess): Promise<unknown> =>
  child.signalCode ?? (await once(child, 'exit'))[1];

test('a program whose process id nobody knows is found, with what it has started', async () => {
  const { child, descendant } = await program('test-1');
  const other = await program('test-11');
  killOrphans([{ requestId: 'test-1', pid: undefined }]);
  expect(await signalOf(child)).toBe('SIGKILL');
  await pollUntil(() => !isRunning(descendant), { what: 'the end of its child' });
  expect(other.child.signalCode).toBeNull();
  expect(other.child.exitCode).toBeNull();
  process.kill(other.descendant, 'SIGKILL');
});

test('of a known one, only its group', async () => {
  const { child, pid, descendant } = await program('test-2');
  const away = await program('test-2');
  killOrphans([{ requestId: 'test-2', pid }]);
  expect(await signalOf(child)).toBe('SIGKILL');
  expect(away.child.signalCode).toBeNull();
  expect(away.child.exitCode).toBeNull();
  process.kill(away.descendant, 'SIGKILL');
  await pollUntil(() => !isRunning(descendant), { what: 'the end of its child' });
});

test('without an id nothing is looked for', () => {
  killOrphans([{ requestId: undefined, pid: process.pid }]);
  killOrphans([]);
});

test('the id of an order', () => {
  expect(requestIdIn('A\0b\0UNIQUE_ID\0x-1\0C\0d')).toBe('x-1');
  expect(requestIdIn('UNIQUE_ID\0x-1')).toBe('x-1');
  expect(requestIdIn('HTTP_A\0UNIQUE_ID\0HTTP_B\0evil\0UNIQUE_ID\0x-1')).toBe('x-1');
  expect(requestIdIn('HTTP_UNIQUE_ID\0evil\0A\0UNIQUE_ID')).toBeUndefined();
});
