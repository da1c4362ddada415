import { expect, test } from 'vitest';
import { Spawner } from '../../../src/programs/spawner.js';
import { begin, describeRunner, ENVIRON, KILL_GRACE_MS, shell, STDERR_BYTES } from './runners.js';

const make = (): Spawner =>
  new Spawner({ environ: ENVIRON, killGraceMs: KILL_GRACE_MS, stderrBytes: STDERR_BYTES });

describeRunner('Spawner', make);

test('it is ready at once, and has no process', () => {
  const spawner = make();
  expect(spawner.isReady).toBe(true);
  expect(spawner.status()[0]).toMatchObject({ pid: null, ready: true, generation: 1, booted: 0, crashed: 0 });
});

test('all error output of a program comes before its end', async () => {
  const spawner = make();
  for (let i = 0; i < 30; i++) {
    const owner = await begin(spawner, shell('head -c 60000 /dev/zero >&2')).over();
    expect(Buffer.concat(owner.errors).length, `run ${i}`).toBe(60_000);
  }
});

test('standard output is a socket, which cannot be opened by a name', async () => {
  const owner = await begin(make(), shell('echo x > /dev/stdout')).over();
  expect(owner.text).toBe('');
  expect(owner.end?.code).not.toBe(0);
});
