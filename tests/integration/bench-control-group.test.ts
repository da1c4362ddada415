/** What the benchmark relies on for the CPU time of programs that nobody waits for, and for ending everything it has started. */
import { expect, test } from 'vitest';
import { ControlGroup } from '../../bench/processes/control-group.js';
import { runProgram } from '../../bench/processes/program-run.js';
import { isRunning } from '../support/xgi.js';

const probe = ControlGroup.create();
probe?.remove();
const LIMIT_MS = 20_000;

test.runIf(probe)('a control group counts and ends what has left the process tree', async () => {
  const group = ControlGroup.create() ?? expect.fail('there was one just now');
  const before = group.cpuMicroseconds();
  // The shell ignores SIGCHLD, so that the time of the loop is in nobody's accounts; the sleeper has no parent but init.
  const script = `trap '' CHLD
    (i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done)
    setsid sleep 600 >/dev/null 2>&1 & echo $!`;
  const { program, args } = group.entering('/bin/sh', ['-c', script]);
  const sleeper = Number(await runProgram({ program, args, limitMs: LIMIT_MS }));
  expect(group.cpuMicroseconds() - before).toBeGreaterThan(10_000);
  expect(isRunning(sleeper)).toBe(true);
  group.remove();
  expect(isRunning(sleeper)).toBe(false);
});
