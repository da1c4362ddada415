import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cliMain } from '../support/paths.js';
import { isAlive } from '../support/poll.js';
import { run } from '../support/process.js';
import { spawnXgi } from '../support/xgi.js';
import { Project } from '../support/cli-project.js';

const project = new Project();
const cwd = project.directory;

async function check(args: readonly string[], env: Record<string, string> = {}) {
  // Port 0 is free, whatever else runs on this machine.
  const bind = args.includes('-b') ? [] : ['-b', '127.0.0.1:0'];
  const program = spawnXgi([...args, ...bind, '--check-config'], { cwd, env });
  return { program, code: (await program.exited).code };
}

test('an application that loads: a line, exit status 0; nothing is written', async () => {
  const { program, code } = await check(['app:app', '-p', 'x.pid', '--access-logfile', 'x.log']);
  expect(program.stderr).toBe('');
  expect(code).toBe(0);
  expect(program.stdout).toMatch(/^xgi: app:app can be served \(\/.*, Python 3\.\d+\.\d+\)\n$/);
  expect(['x.pid', 'x.log'].filter((name) => existsSync(project.file(name)))).toEqual([]);
});

test('the application is really loaded, in one worker, which is gone afterwards', async () => {
  project.letGo();
  const { program, code } = await check(['app:app', '-w', '4', '--log-level', 'debug'], { BOOT: 'wait' });
  expect(code).toBe(0);
  await project.running();
  expect(program.workerPids.length).toBe(1);
  expect(program.workerPids.filter(isAlive)).toEqual([]);
});

test('an application that does not load: exit status 3', async () => {
  project.write('raises.py', 'raise ValueError("no database")\n');
  const { program, code } = await check(['raises:app']);
  expect(code).toBe(3);
  expect(program.stdout).toBe('');
  expect(program.stderr).toContain('ValueError: no database');
});

test.each([
  ['-w', '0'],
  ['--pid', 'none/x.pid'],
  ['-b', 'unix:none/x.sock'],
  ['--access-logfile', 'none/x.log'],
  // Also without --access-logfile.
  ['--access-logformat', '%(zz)s'],
])('a flag that cannot be used: %s %s, exit status 2', async (flag, value) => {
  const { program, code } = await check(['app:app', flag, value]);
  expect(code).toBe(2);
  expect(program.stderr).toMatch(/^xgi: XGI_CONFIG_VALUE: --[a-z-]+: expected .*\n$/);
});

test('64 file descriptors are enough for a start', async () => {
  const command = 'ulimit -n 64; exec "$0" "$@"';
  const args = [
    '-c',
    command,
    process.execPath,
    cliMain,
    '--check-config',
    '--allow-root',
    '-b',
    '127.0.0.1:0',
    'app:app',
  ];
  const { code, stderr } = await run('sh', args, { cwd });
  expect([code, stderr]).toEqual([0, '']);
});
