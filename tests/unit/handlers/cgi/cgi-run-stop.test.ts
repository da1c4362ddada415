/** Runs that are under way when what runs them is stopped: with real programs, for it is the runner that ends them, and not their owner. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CgiRun, type CgiRunOptions } from '../../../../src/handlers/cgi/cgi-run.js';
import { Launcher } from '../../../../src/programs/launcher.js';
import { Places } from '../../../../src/places/places.js';
import { PROGRAM_REFUSALS } from '../../../../src/programs/program-refusals.js';
import type { ProgramPool } from '../../../../src/programs/program-pool.js';
import { RunWatch } from '../../../../src/programs/run-watch.js';
import type { Runner } from '../../../../src/programs/runner.js';
import { Spawner } from '../../../../src/programs/spawner.js';
import { PROTOCOL_VERSION } from '../../../../src/wire/frames.js';
import { fakeRequest } from '../../../support/finish.js';
import { pollUntil } from '../../../support/poll.js';
import { testPython } from '../../../support/test-env.js';
import { MemoryLog } from '../../../support/wsgi-site.js';

const OPTIONS = { environ: { PATH: '/usr/bin:/bin' }, killGraceMs: 300, stderrBytes: 65_536 };
const NO_LIMITS = { cpuSeconds: null, memoryBytes: null, files: null, processes: null };

const RUNNERS: Record<string, () => Runner> = {
  Spawner: () => new Spawner(OPTIONS),
  Launcher: () =>
    new Launcher({
      python: testPython(),
      settings: {
        ...OPTIONS,
        protocol: PROTOCOL_VERSION,
        credit: 262_144,
        limits: NO_LIMITS,
        umask: null,
        user: null,
        preload: [],
      },
      log: new MemoryLog(),
      onLost: undefined,
    }),
};

describe.each(Object.keys(RUNNERS))('a %s that is stopped', (name) => {
  let runner: Runner;
  let places: Places;
  const watch = new RunWatch();

  beforeEach(async () => {
    runner = RUNNERS[name]!();
    await runner.start();
    places = new Places({
      places: 4,
      maxWaiting: 10,
      waitTimeoutMs: 0,
      ...PROGRAM_REFUSALS,
      isOpen: () => runner.isReady,
    });
  });

  afterEach(() => runner.stop(0));

  /** Runs a shell script; `told` has what becomes of it. */
  function run(script: string, method: string): string[] {
    const told: string[] = [];
    const options: CgiRunOptions = {
      request: fakeRequest({ method }),
      order: {
        command: { path: '/bin/sh', argv: ['/bin/sh', '-c', script], cwd: '/', warm: null },
        environ: 'UNIQUE_ID\x001-7',
        body: Buffer.alloc(0),
        more: false,
      },
      bodyStream: undefined,
      name: '/cgi/x',
      nph: false,
      pool: { runner, places, watch } as unknown as ProgramPool,
      timeoutMs: 0,
      idleTimeoutMs: 0,
      log: new MemoryLog(),
      outcome: {
        respond: ({ body }) => {
          told.push('respond');
          if (body.kind !== 'stream') return;
          const { source } = body;
          source.start({
            data: (chunk) => source.taken(chunk.length),
            end: () => told.push('end'),
            error: () => told.push('error'),
          });
        },
        redirect: () => told.push('redirect'),
        sendFile: () => told.push('sendFile'),
        fail: () => told.push('fail'),
        over: () => told.push('over'),
      },
    };
    new CgiRun(options).begin();
    return told;
  }

  test.each([
    ['before a head', 'GET', 'exec sleep 100', [], ['fail', 'over']],
    [
      'in a body',
      'GET',
      'printf "Content-Type: a/b\\n\\n"; exec sleep 100',
      ['respond'],
      ['respond', 'error', 'over'],
    ],
    [
      'behind an answer',
      'HEAD',
      'printf "Content-Type: a/b\\n\\n"; exec sleep 100',
      ['respond'],
      ['respond', 'over'],
    ],
  ])('ends what runs, %s, and its places are free', async (_, method, script, before, after) => {
    const told = run(script, method);
    await pollUntil(() => told.length === before.length && places.taken === 1, { what: 'the run' });
    await runner.stop(0);
    await pollUntil(() => told.includes('over'), { what: 'the end of the run', deadlineMs: 3000 });
    expect(told).toEqual(after);
    expect([places.taken, watch.runningBy(null).length]).toEqual([0, 0]);
  });
});
