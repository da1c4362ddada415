/** `xgi init`: the file that it writes serves what `xgi` served without. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../support/process.js';
import { makeTempDir } from '../support/temp-dir.js';
import { isMissing, testPython } from '../support/test-env.js';
import { type Tree, writeTree } from '../support/tree.js';
import { killAllIn, spawnXgi, startXgi } from '../support/xgi.js';

const APP = `
import os
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["|".join([environ["PATH_INFO"], os.getcwd(), os.environ.get("STAGE", "")]).encode()]
`;

const PROGRAM = '#!/bin/sh\nprintf \'Content-Type: text/plain\\n\\n%s\' "cgi $SCRIPT_NAME"\n';

let folder: string;

beforeEach(() => {
  folder = makeTempDir();
});

afterEach(() => killAllIn(folder));

async function xgi(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = spawnXgi(args, { cwd: folder });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

/** What is answered at each path. */
async function answers(args: readonly string[], paths: readonly string[]): Promise<string[]> {
  const server = await startXgi([...args, '--control-socket', 'none'], { cwd: folder });
  const all = await Promise.all(
    paths.map(async (where) => {
      const response = await fetch(server.url(where));
      return `${response.status} ${(await response.text()).replace(/[\w-]{60,}|csrf\S+/g, '')}`;
    }),
  );
  await server.stop();
  return all;
}

const TREES: readonly [string, Tree, readonly string[]][] = [
  ['an application', { 'app.py': APP }, ['/', '/x']],
  ['programs', { 'cgi-bin/hello': PROGRAM }, ['/cgi-bin/hello', '/hello']],
  ['a folder of programs', { 'hello.cgi': PROGRAM }, ['/hello.cgi', '/cgi-bin/hello.cgi']],
  [
    'a TypeScript application',
    { 'app.js': 'export default { fetch: () => new Response("js") }', 'public/a': 'a' },
    ['/', '/a'],
  ],
  ['files', { 'public/a.txt': 'a' }, ['/a.txt', '/']],
  [
    'a mixture',
    { 'app.py': APP, 'cgi-bin/hello': PROGRAM, 'public/a.txt': 'a' },
    ['/a.txt', '/x', '/cgi-bin/hello'],
  ],
];

describe.each(['yaml', 'ts'])('%s', (format) => {
  test.each(TREES)('%s: serves the same, and passes xgi check', async (_, tree, paths) => {
    writeTree(folder, tree);
    const before = await answers([], paths);
    expect(await xgi(['init', '--format', format])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`xgi: wrote xgi.config.${format}; `) as string,
    });
    expect(await answers([], paths)).toEqual(before);
    expect(await xgi(['check'])).toMatchObject({ code: 0, stderr: '' });
  });
});

test('what is written, and why', async () => {
  writeTree(folder, { 'app.py': APP, 'public/a.txt': 'a' });
  const flags = ['-b', '127.0.0.1:0', '-w', '2..4', '-e', 'STAGE=live', '--control-socket', 'none'];
  flags.push('--threads', '2', '--umask', '22', '--keep-alive', '5');
  expect((await xgi(['init', ...flags])).code).toBe(0);
  expect(textOf('xgi.config.yaml').replace('allowRoot: true\n', '')).toBe(
    `# Written by xgi init. What else can be set: docs/guide/configuration.md of xgi.

bind:
  - 127.0.0.1:0
controlSocket: none
umask: "22"
keepAlive: 5
apps:
  # app.py: WSGI application app:app
  web:
    target: app:app
    workers: 2..4
    env:
      - STAGE=live
    threads: 2
  # public/: static files
  public:
    kind: static
    target: ./public
routes:
  - { app: [ public, web ] }
`,
  );
  expect((await xgi(['check'])).code).toBe(0);
});

test('beside a package.json: TypeScript; names and values that have to be quoted', async () => {
  writeTree(folder, { 'package.json': '{}', 'app.py': APP, "public/it's": '' });
  const flags = ['--allow-root', '-e', `STAGE=it's "1" \\ \${x} # y`];
  expect((await xgi(['init', ...flags])).code).toBe(0);
  expect(textOf('xgi.config.ts')).toBe(
    `// Written by xgi init. What else can be set: docs/guide/configuration.md of xgi.
import { defineConfig } from 'xgi';

export default defineConfig({
  allowRoot: true,
  apps: {
    // app.py: WSGI application app:app
    web: { target: 'app:app', env: ['STAGE=it\\'s "1" \\\\ \${x} # y'] },
    // public/: static files
    public: { kind: 'static', target: './public' },
  },
  routes: [
    { app: ['public', 'web'] },
  ],
});
`,
  );
  expect((await answers([], ['/x']))[0]).toBe(`200 /x|${folder}|it's "1" \\ \${x} # y`);
});

test('a TARGET that is said is written; DIR is where the file goes', async () => {
  writeTree(folder, { 'other/app.py': APP, 'shop.py': APP.replace('app', 'shop') });
  expect((await xgi(['init', 'other'])).stdout).toContain('xgi: wrote other/xgi.config.yaml; ');
  expect(textOf('other/xgi.config.yaml')).toContain('# app.py: WSGI application app:app\ntarget: app:app\n');
  expect((await xgi(['init', 'shop:shop', '-w', '1'])).code).toBe(0);
  expect(textOf('xgi.config.yaml')).toContain('target: shop:shop\n');
  expect(await answers([], ['/x'])).toEqual([`200 /x|${folder}|`]);
});

describe.skipIf(isMissing('Django'))('Django', () => {
  test('the file serves the admin and its style sheets', async () => {
    const made = await run(testPython(), ['-m', 'django', 'startproject', 'mysite', '.'], { cwd: folder });
    expect(made).toMatchObject({ code: 0 });
    expect((await xgi(['init', '--python', testPython(), '-w', '1'])).code).toBe(0);
    const [page, css] = await answers([], ['/admin/login/', '/static/admin/css/base.css']);
    expect(page).toContain('200 ');
    expect(css).toContain('DJANGO Admin styles');
    expect(textOf('xgi.config.yaml')).toContain('# admin: its static files at /static: ');
  });
});

describe('refuses', () => {
  const INSTEAD: Readonly<Record<string, string>> = {
    'xgi.config.yaml': 'replace it with --force',
    'xgi.config.ts': 'replace it with --force --format ts',
    'xgi.config.json': 'remove it and write xgi.config.yaml',
  };

  test.each(Object.keys(INSTEAD))('to replace %s', async (name) => {
    writeTree(folder, { 'app.py': APP, [name]: 'mine' });
    const { code, stderr } = await xgi(['init', '--format', 'yaml']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(
        `XGI_INIT_EXISTS: ${path.join(folder, name)} is there already; edit it, or ${INSTEAD[name]}\n`,
      ),
    ]);
    expect(textOf(name)).toBe('mine');
    const forced = await xgi(['init', '--format', 'yaml', '--force']);
    expect(forced.code).toBe(name === 'xgi.config.yaml' ? 0 : 2);
    expect(textOf(name) === 'mine').toBe(name !== 'xgi.config.yaml');
  });

  test('to write into a folder whose files are served', async () => {
    writeTree(folder, { 'index.html': 'home' });
    const { code, stderr } = await xgi(['init']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('XGI_INIT_PUBLIC: a file in ')]);
    expect((await xgi(['init', 'static', '.'])).stderr).toContain('XGI_INIT_PUBLIC');
    expect((await xgi(['init', 'static', '/'])).stderr).toContain('XGI_INIT_PUBLIC');
    expect(existsSync(path.join(folder, 'xgi.config.yaml'))).toBe(false);
  });

  test.each<[string[], string]>([
    [['init', '--format', 'toml'], '--format: expected one of ts, yaml, received "toml"'],
    [['init', '-c', 'x.yaml'], '--config is not for xgi init'],
    [['--force'], '--force is for xgi init'],
    [['check', '--format', 'ts'], '--format is for xgi init'],
    [['init', '--pid', 'none/x'], '--pid: expected a file in a folder that exists'],
    [['init', 'none/'], 'expected MODULE:CALLABLE'],
  ])('%j', async (args, message) => {
    writeTree(folder, { 'app.py': APP });
    const { code, stderr } = await xgi(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(path.join(folder, 'xgi.config.yaml'))).toBe(false);
  });

  test('a folder with nothing in it, and one that it may not write to', async () => {
    expect((await xgi(['init'])).stderr).toContain('XGI_DETECT_NOTHING');
    if (process.geteuid?.() === 0) return;
    writeTree(folder, { 'app.py': APP });
    chmodSync(folder, 0o500);
    expect((await xgi(['init'])).stderr).toContain('XGI_INIT_WRITE');
    chmodSync(folder, 0o700);
  });
});
