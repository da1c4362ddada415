import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  InterpreterLauncher,
  type Invitation,
  type WorkerProcess,
} from '../../../src/workers/worker-process.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

const invitation: Invitation = {
  socket: '/run/socket',
  token: 'abc',
  stderr: '/run/stderr-1',
  role: 'worker',
};

let cwd: string;

beforeEach(() => {
  cwd = makeTempDir();
});

afterEach(() => {
  removeTempDir(cwd);
});

function start(python: string, script = ''): { made: WorkerProcess; exited: Promise<string> } {
  const program = path.join(cwd, 'program');
  writeFileSync(program, script);
  let made!: WorkerProcess;
  const exited = new Promise<string>((resolve) => {
    const launcher = new InterpreterLauncher({ python, program, cwd, env: process.env });
    made = launcher.launch(invitation, { started: () => {}, exited: resolve });
  });
  return { made, exited };
}

test.each([
  ['exit 3', 'status 3'],
  ['kill -TERM $$', 'signal SIGTERM'],
])('%s: %s', async (script, expected) => {
  const { made, exited } = start('/bin/sh', script);
  expect(made.pid).toBeGreaterThan(1);
  expect(made.exit).toBeUndefined();
  expect(await exited).toBe(expected);
  expect(made.exit).toBe(expected);
});

test('is told where to connect on its standard input, which ends then', async () => {
  const { exited } = start('/bin/sh', 'cat > input');
  expect(await exited).toBe('status 0');
  expect(readFileSync(path.join(cwd, 'input'), 'utf8')).toBe(`${JSON.stringify(invitation)}\n`);
});

test('kill', async () => {
  const { made, exited } = start('/bin/sh', 'exec sleep 60');
  made.kill('SIGKILL');
  expect(await exited).toBe('signal SIGKILL');
});

test('a process that could not be started has no id, and cannot be killed', async () => {
  const { made, exited } = start('/nowhere/python');
  // As a process id, 0 would mean our own process group.
  expect(made.pid).toBeUndefined();
  made.kill('SIGKILL');
  expect(await exited).toBe('could not be started: spawn /nowhere/python ENOENT');
});
