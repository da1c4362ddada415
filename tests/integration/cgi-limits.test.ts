/** What a program is born with: limits, umask, working directory, process group, environment. */
import { readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CgiSite, SYSTEM_PYTHON } from '../support/cgi-site.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

const body = async (target: string): Promise<string> => (await site.get(target)).body.toString().trim();

const MODES: readonly (readonly [string, readonly string[]])[] = [
  ['cold', ['--no-cgi-warm', '--python', SYSTEM_PYTHON]],
  ['warm', ['--python', SYSTEM_PYTHON]],
];

async function warmUp(name: string): Promise<void> {
  if (name === 'warm') await site.untilWarm();
}

test.each(MODES)('--cgi-limit-cpu ends who computes for longer, %s', async (name, flags) => {
  await site.start([...flags, '--cgi-limit-cpu', '1']);
  await warmUp(name);
  expect((await site.get('/burns-cpu.py')).status).toBe(502);
  // SIGXCPU and SIGKILL come together, as soft and hard limit are one.
  await site.logged(
    /XGI_CGI_SIGNAL: \S+burns-cpu\.py was killed by SIG(KILL|XCPU) before it had sent a head/,
  );
  await site.untilNoProgram();
});

test.each(MODES)('--cgi-limit-memory: what is more is refused to the program, %s', async (name, flags) => {
  await site.start([...flags, '--cgi-limit-memory', '300mb']);
  await warmUp(name);
  expect(await body('/eats-memory.py?100')).toBe(String(100 * 2 ** 20));
  expect(await body('/eats-memory.py?400')).toBe('-1');
});

test.each(MODES)('--cgi-limit-files, %s', async (name, flags) => {
  await site.start([...flags, '--cgi-limit-files', '20']);
  await warmUp(name);
  expect(await body('/opens-files.py')).toBe('Too many open files with 20');
});

test.each(MODES)('--cgi-limit-processes, for users other than root, %s', async (name, flags) => {
  // Root may always have more; the limit is there all the same.
  site.program(
    'limits.py',
    '#!/usr/bin/env python3\nimport resource\nprint("Content-Type: text/plain\\n\\n%d %d" % resource.getrlimit(resource.RLIMIT_NPROC))\n',
  );
  await site.start([...flags, '--cgi-limit-processes', '12']);
  await warmUp(name);
  expect(await body('/limits.py')).toBe('12 12');
  if (process.geteuid?.() === 0) return;
  expect(await body('/makes-processes.py')).toBe('Resource temporarily unavailable');
});

test.each(MODES)(
  'limits are hard, are those of programs alone, and leave xgi its own, %s',
  async (name, flags) => {
    site.program(
      'raises-limit.py',
      '#!/usr/bin/env python3\nimport resource\ntry:\n    resource.setrlimit(resource.RLIMIT_NOFILE, (21, 21))\n    answer = "raised"\nexcept (ValueError, OSError):\n    answer = "refused"\nprint("Content-Type: text/plain\\n\\n" + answer)\n',
    );
    await site.start([...flags, '--cgi-limit-files', '20', '--cgi-limit-cpu', '60']);
    await warmUp(name);
    if (process.geteuid?.() !== 0) expect(await body('/raises-limit.py')).toBe('refused');
    const answers = await Promise.all(Array.from({ length: 30 }, () => site.get('/hello.sh')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  },
);

test.each(MODES)('working directory, umask and process group, %s', async (name, flags) => {
  site.program('deep/er/report.py', readFileSync(site.file('cgi-bin/report.py')));
  await site.start([...flags, '--umask', '027']);
  await warmUp(name);
  const report = await site.report('/deep/er/report.py');
  expect(report).toMatchObject({ cwd: `${site.programs}/deep/er`, umask: 0o27 });
  expect(report.group).toBe(report.pid);
  expect(report.argv).toEqual([`${site.programs}/deep/er/report.py`]);
  expect((await site.get('/writes-a-file.sh', { method: 'POST', body: 'x' })).status).toBe(200);
  expect(statSync(site.file('notes/written')).mode & 0o777).toBe(0o640);
});

test('-e and --pass-env; the last one of a name counts', async () => {
  await site.start(
    [
      '-e',
      'A=1',
      '-e',
      'A=2',
      '-e',
      'EMPTY=',
      '--pass-env',
      'PASSED',
      '--pass-env',
      'UNSET',
      '-e',
      'B=from -e',
      '--pass-env',
      'B',
    ],
    {
      env: { PASSED: 'p\u00e4ssed', B: 'from outside' },
    },
  );
  const { env } = await site.report();
  expect(env).toMatchObject({ A: '2', EMPTY: '', B: 'from -e' });
  expect(Buffer.from(env['PASSED']!, 'latin1').toString()).toBe('p\u00e4ssed');
  expect('UNSET' in env).toBe(false);
});

test('a request’s variable wins over one that is given', async () => {
  await site.start(['-e', 'QUERY_STRING=given', '-e', 'PATH_INFO=/given', '-e', 'HTTPS=on']);
  const { env } = await site.report('/report.py?asked');
  expect(env['QUERY_STRING']).toBe('asked');
});

test('Authorization is told only with --cgi-pass-authorization', async () => {
  await site.start(['--cgi-pass-authorization']);
  const headers = ['Authorization: Basic dTpw', 'Proxy-Authorization: Basic eDp5'];
  const { env } = await site.report('/report.py', { headers });
  expect(env['HTTP_AUTHORIZATION']).toBe('Basic dTpw');
  expect(env['HTTP_PROXY_AUTHORIZATION']).toBeUndefined();
});
