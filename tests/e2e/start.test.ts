/** `npm start`: the script prepares and serves the example, says what to open, and stops with the signals it is sent. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { spawnStart, startExampleSite } from '../support/example-site.js';
import { run, type Program } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { isMissing, testPython } from '../support/test-env.js';

/** What the first start makes in it, the others find. */
const data = makeTempDir();

afterAll(() => removeTempDir(data));

interface Parts {
  readonly django?: { readonly user: string; readonly password: string };
}

async function readParts(origin: string): Promise<Parts> {
  return (await (await fetch(`${origin}/site.json`)).json()) as Parts;
}

describe.skipIf(isMissing('Django'))('npm start', () => {
  let program: Program;
  let origin: string;
  let first: Parts;

  beforeAll(async () => {
    ({ program, origin } = await startExampleSite({ data }));
    first = await readParts(origin);
  });

  afterAll(async () => {
    await program?.stop();
  });

  test('serves all parts of the site on the address that it is told', async () => {
    const pages = {
      '/': 'One server',
      '/django/': 'Ada Lovelace',
      '/django/admin/login/': '/django/static/admin/css/base.css',
      '/django/static/admin/css/base.css': '--primary',
      '/cgi-bin/': '<tr><th>GATEWAY_INTERFACE</th><td>CGI/1.1</td></tr>',
      '/cgi-bin/form.py': 'A form in Python',
      '/api/notes': '[{"name":',
    };
    for (const [page, text] of Object.entries(pages)) {
      const response = await fetch(origin + page);
      expect([page, response.status]).toEqual([page, 200]);
      expect(await response.text()).toContain(text);
    }
  });

  test('keeps the secrets from others, and tells the demo user in the terminal', () => {
    expect(program.stderr).toContain(`as demo with the password ${first.django?.password}\n`);
    for (const file of ['secret-key', 'demo-password', 'django.json'])
      expect((statSync(path.join(data, file)).mode & 0o777).toString(8)).toBe('600');
  });

  test('has the Django part answer under names of this machine only', async () => {
    const args = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Host: evil.example'];
    const { stdout } = await run('curl', [...args, `${origin}/django/admin/login/`]);
    expect(stdout).toBe('400');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'is started again with the same secrets; passes %s on, and ends with the exit status of the server',
    async (signal) => {
      const again = await startExampleSite({ data });
      expect(await readParts(again.origin)).toEqual(first);
      expect(await again.program.stop(signal)).toEqual({ code: 0, signal: null });
      await expect(fetch(again.origin)).rejects.toThrow('fetch failed');
    },
    60_000,
  );

  test('passes the exit status of a server on that does not start', async () => {
    const refused = spawnStart({ data, args: ['-b', 'nonsense:port:0'] });
    expect((await refused.exited).code).toBe(2);
    expect(refused.output).toContain('nonsense:port:0');
  });
});

test('where Django cannot be had, serves the rest, and says so in the terminal and on the site', async () => {
  const directory = makeTempDir();
  const made = await run(testPython(), ['-m', 'venv', '--without-pip', path.join(directory, 'venv')]);
  expect(made).toMatchObject({ code: 0 });
  const env = { PYTHON: path.join(directory, 'venv/bin/python'), PIP_NO_INDEX: '1' };
  const { program, origin } = await startExampleSite({ data: path.join(directory, 'data'), env });
  onTestFinished(async () => {
    await program.stop();
    removeTempDir(directory);
  });

  expect(program.stderr).toMatch(/The Django part is left out: .*Django==/);
  expect((await readParts(origin)).django).toBeUndefined();
  const instead = await fetch(`${origin}/django/admin/`);
  expect(instead.url).toBe(`${origin}/no-django.html`);
  expect(await instead.text()).toContain('Django is not installed');
  expect((await fetch(`${origin}/cgi-bin/`)).status).toBe(200);
}, 60_000);
