/** The built command line as a process: what it says of flags it cannot use, and what it prints without a server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cliMain, repository } from '../support/paths.js';
import { spawnXgi } from '../support/xgi.js';
import { Project } from '../support/cli-project.js';

const project = new Project();
mkdirSync(project.file('folder'));

async function run(args: readonly string[], env: Record<string, string | undefined> = {}) {
  const program = spawnXgi(args, { cwd: project.directory, env: { FORWARDED_ALLOW_IPS: undefined, ...env } });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe('exit status 2 and one line that names the flag, what was expected and what was received', () => {
  test.each<[string[], string]>([
    [
      ['app:app', '--workers', 'two'],
      'XGI_CONFIG_VALUE: --workers: expected a whole number from 1 to 1024, or MIN..MAX, received "two"',
    ],
    [
      ['app:app', '-b', 'x'],
      'XGI_CONFIG_VALUE: --bind: expected HOST:PORT, [IPV6]:PORT, :PORT, unix:PATH or fd://NUMBER, received "x"; did you mean x:8000?',
    ],
    [
      ['app:app', '-b', String.raw`a\b`],
      String.raw`XGI_CONFIG_VALUE: --bind: expected HOST:PORT, [IPV6]:PORT, :PORT, unix:PATH or fd://NUMBER, received "a\\b"`,
    ],
    [
      ['app:app', '-b', ':1', '-b', ':1'],
      'XGI_CONFIG_VALUE: --bind: expected each address once, received ":1", which is given twice',
    ],
    [
      ['app:app', '-k', 'gevent'],
      'XGI_CONFIG_USAGE: -k: xgi does not have this flag of gunicorn: there is one kind of worker, which waits for no client; leave it out, and use --threads for an application that waits itself',
    ],
    [
      ['app:app', '-w'],
      'XGI_CONFIG_USAGE: --workers: expected a value, --workers NUMBER, received nothing; see xgi --help',
    ],
    [['app:app', '-e', 'x'], 'XGI_CONFIG_VALUE: --env: expected NAME=VALUE, received "x"'],
    [
      ['app:app', '-t', '2 days'],
      'XGI_CONFIG_VALUE: --timeout: expected seconds (30) or a duration (500ms, 30s, 2m); 0 for none, at most 24h, received "2 days"',
    ],
    [['app:app', '--chdir', 'none'], 'XGI_CONFIG_VALUE: --chdir: expected a directory, received "none"'],
    [
      ['app:app', '--python', './none'],
      `XGI_CONFIG_PYTHON: --python: expected a Python 3.8 or later, received "${project.file('none')}": there is no such file`,
    ],
    [
      ['app:app', '--python', '/bin/true'],
      'XGI_CONFIG_PYTHON: --python: expected a Python 3.8 or later, received "/bin/true": it is no Python',
    ],
    [
      ['app:app', '--wrokers', '2'],
      "XGI_CONFIG_USAGE: unknown option '--wrokers'; did you mean --workers?; see xgi --help",
    ],
    [
      ['folder'],
      `XGI_DETECT_NOTHING: there is nothing to serve in ${project.file('folder')}; looked for manage.py, wsgi.py or app.py (WSGI), cgi-bin/ or *.cgi (CGI), public/, dist/index.html or index.html (static files), app.ts, server.ts or index.ts (or .js) with a default export (TypeScript). Say what is served: xgi TARGET, for example xgi wsgi:app, xgi cgi DIR or xgi static DIR; or write it into xgi.config.yaml; xgi --help lists the flags`,
    ],
    [['app:app', 'other:app'], 'XGI_CONFIG_USAGE: expected one TARGET, received "app:app" "other:app"'],
    [
      ['app:app', '--access-logfile', 'folder'],
      `XGI_CONFIG_VALUE: --access-logfile: expected a file that can be written, received "${project.file('folder')}": EISDIR: illegal operation on a directory, open '${project.file('folder')}'`,
    ],
  ])('%j', async (args, message) => {
    expect(await run(args)).toEqual({ code: 2, stdout: '', stderr: `xgi: ${message}\n` });
  });

  test('an atom of the access log that does not exist', async () => {
    const { code, stderr } = await run(['app:app', '--access-logfile', '-', '--access-logformat', '%(zz)s']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^xgi: XGI_CONFIG_VALUE: --access-logformat: expected gunicorn's atoms .*, received "%\(zz\)s"\n$/,
    );
  });

  test.each<[Record<string, string>, string]>([
    [
      { PORT: 'http' },
      'XGI_CONFIG_VALUE: the variable PORT: expected a port from 0 to 65535, received "http"',
    ],
    [
      { XGI_CMD_ARGS: '-w two' },
      'XGI_CONFIG_VALUE: --workers (in XGI_CMD_ARGS): expected a whole number from 1 to 1024, or MIN..MAX, received "two"',
    ],
    [
      { FORWARDED_ALLOW_IPS: 'me' },
      'XGI_CONFIG_VALUE: the variable FORWARDED_ALLOW_IPS: expected addresses or ranges (10.0.0.0/8) separated by commas, * for all, or nothing, received "me"',
    ],
    [
      { VIRTUAL_ENV: '/none' },
      'XGI_CONFIG_PYTHON: VIRTUAL_ENV: expected a Python 3.8 or later, received "/none/bin/python": there is no such file',
    ],
  ])('%j', async (env, message) => {
    expect(await run(['app:app'], env)).toEqual({ code: 2, stdout: '', stderr: `xgi: ${message}\n` });
  });
});

test('no TARGET, and nothing there: the shortest example, exit status 2', async () => {
  const { code, stderr } = await run(['--chdir', 'folder']);
  expect(code).toBe(2);
  expect(stderr).toContain('for example xgi wsgi:app');
});

test.each(['-v', '--version'])('%s prints the version of package.json', async (flag) => {
  const { version } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(await run([flag])).toEqual({ code: 0, stdout: `xgi ${version}\n`, stderr: '' });
});

test.each(['--help', '-h', 'help'])('%s: to standard output, in 80 columns', async (word) => {
  const { code, stdout, stderr } = await run([word]);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^Usage: xgi \[flags\] \[TARGET\]\n/);
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('a reader that has gone is no reason to crash', async () => {
  const child = spawn(process.execPath, [cliMain, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).toBe('');
});
