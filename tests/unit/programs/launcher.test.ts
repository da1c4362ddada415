import { readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BootError } from '../../../src/errors.js';
import { Launcher, type LauncherOptions } from '../../../src/programs/launcher.js';
import { isAlive, pollUntil } from '../../support/poll.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';
import { testPython } from '../../support/test-env.js';
import { begin, describeRunner, SETTINGS, shell, SILENT } from './runners.js';

const running: Launcher[] = [];

/** A launcher that ends with its test. */
function make(changes: Partial<LauncherOptions> = {}): Launcher {
  const launcher = new Launcher({
    python: testPython(),
    settings: SETTINGS,
    log: SILENT,
    onLost: undefined,
    ...changes,
  });
  running.push(launcher);
  return launcher;
}

async function started(changes: Partial<LauncherOptions> = {}): Promise<Launcher> {
  const launcher = make(changes);
  await launcher.start();
  return launcher;
}

let folder: string;

beforeEach(() => {
  folder = makeTempDir();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((launcher) => launcher.stop(0)));
  removeTempDir(folder);
});

describeRunner('Launcher', () => {
  const { onLost, python, settings, log } = {
    onLost: undefined,
    python: testPython(),
    settings: SETTINGS,
    log: SILENT,
  };
  return new Launcher({ python, settings, log, onLost });
});

describe('standard streams are pipes, which can be opened by their names', () => {
  test.each([
    ['/dev/stdout', 'echo x > /dev/stdout', 'x\n', ''],
    ['/dev/stderr', 'echo x > /dev/stderr', '', 'x\n'],
    ['/dev/stdin', 'cat /dev/stdin', 'body', ''],
    ['/proc/self/fd/1', 'echo x > /proc/self/fd/1', 'x\n', ''],
  ])('%s', async (_name, script, text, errorText) => {
    const launcher = await started();
    const owner = await begin(launcher, shell(script, { body: Buffer.from('body') })).over();
    expect(owner).toMatchObject({ text, errorText, end: { code: 0 } });
  });
});

test('a file that the system cannot execute', async () => {
  const path = `${folder}/text`;
  writeFileSync(path, 'hello\n', { mode: 0o755 });
  const owner = await begin(await started(), shell('', { command: { path } })).until('failed');
  expect(owner.failure).toMatchObject({ status: 500, code: 'XGI_CGI_NO_SHEBANG' });
});

test('limits hold for each program', async () => {
  const limits = { cpuSeconds: 7, memoryBytes: 2 ** 30, files: 40, processes: null };
  const launcher = await started({ settings: { ...SETTINGS, limits } });
  const { text } = await begin(launcher, shell('ulimit -t; ulimit -v; ulimit -n; ulimit -H -n')).over();
  expect(text).toBe(`7\n${2 ** 20}\n40\n40\n`);
  const failing = await begin(launcher, shell('', { command: { path: `${folder}/nowhere` } })).until(
    'failed',
  );
  expect(failing.failure).toMatchObject({ code: 'XGI_CGI_BAD_INTERPRETER' });
});

test('the umask', async () => {
  const launcher = await started({ settings: { ...SETTINGS, umask: 0o27 } });
  expect((await begin(launcher, shell('umask')).over()).text).toBe('0027\n');
});

test.skipIf(process.geteuid!() !== 0)(
  'another user, for good, and who cannot read what root can',
  async () => {
    const user = { uid: 12_345, gid: 12_346, groups: [12_346, 12_347], bodyUid: 0, bodyGid: 0 };
    const launcher = await started({ settings: { ...SETTINGS, user } });
    const owner = await begin(
      launcher,
      shell('id -u; id -g; id -G; cat /etc/shadow || echo no; echo x > /dev/stdout'),
    ).over();
    expect(owner.text).toBe('12345\n12346\n12346 12347\nno\nx\n');
  },
);

test('its status', async () => {
  const launcher = make();
  expect(launcher.status()[0]).toMatchObject({
    pid: null,
    ready: false,
    booted: 0,
    crashed: 0,
    generation: 1,
  });
  await launcher.start();
  const { pid } = launcher.status()[0]!;
  expect(isAlive(pid!)).toBe(true);
  expect(launcher.status()[0]).toMatchObject({ ready: true, booted: 1, crashed: 0, generation: 1 });
  launcher.reload();
  expect(launcher.status()[0]!.generation).toBe(2);
  expect((await begin(launcher, shell('printf x')).over()).text).toBe('x');
  await launcher.stop(1000);
  expect(isAlive(pid!)).toBe(false);
});

test('programs do not have its descriptors, nor its environment', async () => {
  const launcher = await started();
  const { text } = await begin(launcher, shell('ls /proc/self/fd; cat /proc/$PPID/environ | wc -c')).over();
  expect(text).toBe('0\n1\n2\n3\n0\n');
});

describe('a launcher that does not start', () => {
  function newInterpreter(script: string): string {
    const file = `${folder}/python3`;
    writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return file;
  }

  test.each<[string, () => string, string]>([
    ['is not there', () => `${folder}/nowhere`, 'ENOENT'],
    ['ends', () => newInterpreter('exit 7'), 'it ended: status 7'],
    ['is killed', () => newInterpreter('kill -KILL $$'), 'it ended: SIGKILL'],
    [
      'speaks another language',
      () => newInterpreter('echo hello world >&3; exec sleep 60'),
      'it ended: SIGKILL',
    ],
  ])('because it %s', async (_name, python, observed) => {
    const error = await make({ python: python() })
      .start()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BootError);
    expect(error).toMatchObject({
      code: 'XGI_CGI_LAUNCHER',
      message: expect.stringContaining(observed) as string,
    });
  });
});

describe('when it dies', () => {
  test('what it ran fails and is killed, and another takes its place', async () => {
    const messages: string[] = [];
    const launcher = await started({ log: { ...SILENT, error: (message) => messages.push(message) } });
    const [owner, gone] = [begin(launcher, shell('sleep 60 & echo $!; wait')), launcher.status()[0]!.pid!];
    await owner.until('started', 'output');
    const again = new Promise<void>((resolve) => {
      launcher.onReady = resolve;
    });
    process.kill(gone, 'SIGKILL');
    await owner.until('failed');
    expect(owner.failure).toMatchObject({ status: 502, code: 'XGI_CGI_LAUNCHER' });
    expect(owner.calls).not.toContain('ended');
    await pollUntil(() => !isAlive(owner.pid!) && !isAlive(Number(owner.text)));
    await again;
    expect(launcher.status()[0]).toMatchObject({ ready: true, booted: 2, crashed: 1 });
    expect(messages).toEqual([
      expect.stringMatching(/^XGI_CGI_LAUNCHER: .* ended \(SIGKILL\); another is started$/),
    ]);
    expect((await begin(launcher, shell('printf x')).over()).text).toBe('x');
  });

  test('its channel is closed', async () => {
    const launcher = await started();
    const before = readdirSync('/proc/self/fd').length;
    for (let deaths = 1; deaths <= 5; deaths++) {
      process.kill(launcher.status()[0]!.pid!, 'SIGKILL');
      await pollUntil(() => launcher.isReady && launcher.status()[0]!.booted === deaths + 1);
    }
    await pollUntil(() => readdirSync('/proc/self/fd').length <= before, { what: 'the end of the channels' });
  });

  test('until then, nothing can be run', async () => {
    const launcher = await started();
    const lost = new Promise<void>((resolve) => {
      launcher.onReady = resolve;
    });
    process.kill(launcher.status()[0]!.pid!, 'SIGKILL');
    await pollUntil(() => !launcher.isReady);
    await lost;
    expect(launcher.isReady).toBe(true);
  });

  test('and no other may be started, that is told', async () => {
    let told: () => void;
    const lost = new Promise<void>((resolve) => {
      told = resolve;
    });
    const launcher = await started({ onLost: () => told() });
    process.kill(launcher.status()[0]!.pid!, 'SIGKILL');
    await lost;
    expect(launcher.isReady).toBe(false);
    expect(launcher.status()[0]).toMatchObject({ pid: null, booted: 1, crashed: 1 });
    expect(() => launcher.run(shell('true'), begin as never)).toThrow(
      expect.objectContaining({ status: 503, code: 'XGI_CGI_LAUNCHER' }),
    );
  });

  test('programs end with it, if the gateway has gone too', async () => {
    const launcher = await started();
    const owner = begin(launcher, shell('sleep 60 & echo $!; wait'));
    await owner.until('output');
    await launcher.stop(0);
    expect(isAlive(owner.pid!)).toBe(false);
    await pollUntil(() => !isAlive(Number(owner.text)));
  });
});

test('a stop while one is being started', async () => {
  const launcher = make();
  const start = launcher.start();
  await launcher.stop(0);
  await Promise.race([start.catch(() => {}), pollUntil(() => launcher.status()[0]!.pid === null)]);
});
