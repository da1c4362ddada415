/** From the command line to the first answer: what is printed, what the application sees, what ends a start. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../support/poll.js';
import { spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';
import { ask, Project } from '../support/cli-project.js';

let project: Project;
let server: XgiServer | undefined;

beforeEach(() => {
  project = new Project();
});

afterEach(async () => {
  if (server?.child.exitCode === null) await server.stop();
  server = undefined;
});

async function start(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<XgiServer> {
  server = await startXgi(args, { cwd: project.directory, env });
  return server;
}

test('the lines are those of gunicorn', async () => {
  await start(['app:app', '-w', '2']);
  await server!.waitForOutput(/Booting[^]*Booting.*\n/);
  const { pid, stderr, stdout } = server!;
  const lines = stderr.split('\n').filter(Boolean);
  const prefix = new RegExp(String.raw`^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[${pid}\] \[INFO\] `);
  for (const line of lines) expect(line).toMatch(prefix);
  expect(lines.map((line) => line.replace(prefix, ''))).toEqual([
    expect.stringMatching(/^Starting xgi \d+\.\d+\.\d+$/),
    expect.stringMatching(new RegExp(String.raw`^Listening at: http://127\.0\.0\.1:\d+ \(${pid}\)$`)),
    expect.stringMatching(/^Using interpreter: \/.* \(Python 3\.\d+\.\d+\)$/),
    expect.stringMatching(/^Booting worker with pid: \d+$/),
    expect.stringMatching(/^Booting worker with pid: \d+$/),
  ]);
  expect(stdout).toBe('');
  const answer = await ask(server!.origin);
  expect(server!.workerPids).toContain(answer.pid);
  expect(answer.software).toMatch(/^xgi\/\d/);
});

describe('the forms of TARGET', () => {
  test.each(['app:app', 'app:create_app()', 'app:create_app("app")', 'app.py:app', './app.py:app'])(
    '%s',
    async (target) => {
      await start([target, '-w', '1']);
      expect((await ask(server!.origin)).cwd).toBe(project.directory);
    },
  );

  test('xgi wsgi TARGET', async () => {
    await start(['wsgi', 'app:app', '-w', '1']);
    expect((await ask(server!.origin)).cwd).toBe(project.directory);
  });
});

test('--chdir, --pythonpath, --env and --threads reach the application', async () => {
  server = await startXgi(
    [
      'app:app',
      '-w',
      '1',
      '--chdir',
      project.directory,
      '--pythonpath',
      'lib,/opt/lib',
      '-e',
      'A=1',
      '--env',
      'B=x=y',
      '--threads',
      '2',
    ],
    { env: { INHERITED: 'yes' } },
  );
  const answer = await ask(server.origin);
  expect(answer.cwd).toBe(project.directory);
  expect(answer.path).toEqual([project.file('lib'), '/opt/lib', project.directory]);
  expect(answer.env).toMatchObject({ A: '1', B: 'x=y', INHERITED: 'yes' });
  expect(answer.multithread).toBe(true);
});

test('--forwarded-allow-ips', async () => {
  await start(['app:app', '-w', '1', '--forwarded-allow-ips', '']);
  const response = await fetch(server!.origin, { headers: { 'X-Forwarded-Proto': 'https' } });
  expect(await response.json()).toMatchObject({ scheme: 'http' });
});

test('--proxy-protocol, as curl speaks it', async () => {
  await start(['app:app', '-w', '1', '--proxy-protocol']);
  const curl = (...args: string[]): Promise<string> =>
    promisify(execFile)('curl', ['-sS', '--max-time', '10', ...args, server!.origin]).then(
      ({ stdout }) => stdout,
    );
  expect(JSON.parse(await curl('--haproxy-protocol'))).toMatchObject({ scheme: 'http' });
  await expect(curl()).rejects.toThrow('Empty reply');
});

test('PORT: every address, that port', async () => {
  // Port 0 is a free one; startXgi would add a --bind.
  server = spawnXgi(['app:app', '-w', '1'], { cwd: project.directory, env: { PORT: '0' } });
  await server.waitForOutput(/Listening at: http:\/\/0\.0\.0\.0:\d+ /);
  expect((await ask(`http://127.0.0.1:${server.port}`)).env['PORT']).toBe('0');
});

test('XGI_CMD_ARGS: the command line wins', async () => {
  await start(['app:app', '-w', '1'], {
    XGI_CMD_ARGS: `-w 3 -b 127.0.0.1:1 -e 'NAME=two words' --threads 2`,
  });
  const answer = await ask(server!.origin);
  expect(answer.env['NAME']).toBe('two words');
  expect(answer.multithread).toBe(true);
  expect(server!.workerPids.length).toBe(1);
});

test('--log-level warning keeps quiet', async () => {
  server = spawnXgi(['app:app', '-w', '1', '-b', `unix:${project.file('s')}`, '--log-level', 'warning'], {
    cwd: project.directory,
    env: { BOOT: 'wait' },
  });
  await project.running();
  expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null });
  expect(server.output).toBe('');
});

test('requests that arrive while the application boots wait for it', async () => {
  await start(['app:app', '-w', '1'], { BOOT: 'wait' });
  await project.running();
  const small = ask(server!.origin);
  const large = fetch(server!.origin, { method: 'POST', body: 'x'.repeat(200_000) });
  project.letGo();
  expect((await small).cwd).toBe(project.directory);
  expect((await large).status).toBe(200);
});

describe('a start that fails', () => {
  test('an address in use: it is named, exit status 1, nothing is booted', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    server = spawnXgi(['app:app', '-b', '127.0.0.1:0', '-b', address], { cwd: project.directory });
    expect(await server.exited).toEqual({ code: 1, signal: null });
    other.close();
    expect(server.stderr).toMatch(new RegExp(String.raw`^xgi: XGI_LISTEN_IN_USE: .*${address}`, 'm'));
    expect(server.stderr).not.toContain('Booting');
    expect(server.stderr).not.toContain('Shutting down');
  });

  test('a missing module: traceback, what to do, exit status 3, nothing left running', async () => {
    project.write('broken.py', 'import no_such_module\n');
    server = spawnXgi(['broken:app', '-w', '2', '-b', `unix:${project.file('s')}`], {
      cwd: project.directory,
    });
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.stderr).toContain('Traceback (most recent call last):');
    expect(server.stderr).toContain("ModuleNotFoundError: No module named 'no_such_module'");
    const last = server.stderr.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^xgi: XGI_[A-Z_]+: .*no_such_module.*python.*--python/);
    expect(server.workerPids.length).toBeGreaterThan(0);
    expect(server.workerPids.filter(isAlive)).toEqual([]);
  });

  test('a module that is not there', async () => {
    server = spawnXgi(['nothing:app', '-w', '1', '-b', '127.0.0.1:0'], { cwd: project.directory });
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.stderr).toMatch(/^xgi: XGI_[A-Z_]+: .*nothing.*--chdir/m);
  });
});

test('a virtual environment in the project is used', async () => {
  mkdirSync(project.file('venv/bin'), { recursive: true });
  project.write('venv/bin/python', '');
  server = spawnXgi(['app:app', '-b', '127.0.0.1:0'], {
    cwd: project.directory,
    env: { VIRTUAL_ENV: undefined },
  });
  expect(await server.exited).toEqual({ code: 2, signal: null });
  expect(server.stderr).toContain(`received "${project.file('venv/bin/python')}": it is not executable`);
});
