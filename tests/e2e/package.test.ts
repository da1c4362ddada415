/** What `npm pack` makes is complete: installed somewhere else, its command runs, and its main entry can be imported. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { Program, run } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { python } from '../support/wsgi-site.js';

let directory: string;
/** As `npm install --global` links it. */
let command: string;

beforeAll(async () => {
  directory = makeTempDir();
  // Without scripts: `prepack` would compile anew, into the dist/ that other tests run. `npm test` has built it.
  const packed = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', directory], {
    cwd: repository,
  });
  expect(packed.code, packed.stderr).toBe(0);
  // The project that installs it: a folder above, of the machine's own, is not to be taken for that.
  writeFileSync(path.join(directory, 'package.json'), '{"name":"somebody-elses","private":true}');
  const modules = path.join(directory, 'node_modules');
  const installed = path.join(modules, 'xgi');
  mkdirSync(installed, { recursive: true });
  const archive = path.join(directory, packed.stdout.trim());
  const unpacked = await run('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  expect(unpacked.code, unpacked.stderr).toBe(0);
  for (const name of runtimePackages()) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(repository, 'node_modules', name), path.join(modules, name));
  }
  const { bin } = manifest(installed);
  command = path.join(directory, 'bin/xgi');
  mkdirSync(path.dirname(command));
  symlinkSync(path.join(installed, bin.xgi), command);
});

afterAll(() => {
  removeTempDir(directory);
});

/** What `npm install` would install beside it: nothing that is for development only. */
function runtimePackages(): string[] {
  const lock = JSON.parse(readFileSync(path.join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([name, { dev }]) => /^node_modules\/(?!.*node_modules\/)/.test(name) && dev !== true)
    .map(([name]) => name.slice('node_modules/'.length));
}

function manifest(folder: string): { version: string; bin: { xgi: string } } {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as ReturnType<typeof manifest>;
}

test('xgi --version, through a symbolic link', async () => {
  const { code, stdout, stderr } = await run(process.execPath, [command, '--version'], { cwd: directory });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(manifest(repository).version);
});

test('serves an application, with the Python worker that it brings', async () => {
  const application = path.join(repository, 'examples/wsgi-hello/hello.py:application');
  const args = [
    command,
    'wsgi',
    application,
    '-b',
    '127.0.0.1:0',
    '-w',
    '1',
    '--allow-root',
    '--python',
    python,
  ];
  const server = new Program(process.execPath, args, {
    cwd: directory,
    env: { PYTHONPATH: undefined, PYTHONDONTWRITEBYTECODE: '1', PORT: undefined, XGI_CMD_ARGS: undefined },
  });
  try {
    const [, origin] = await server.waitForOutput(/Listening at: (http\S+)/);
    const response = await fetch(`${origin}/`);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<th>wsgi.version<td>(1, 0)');
  } finally {
    await server.stop();
  }
});

test('runs CGI programs, with the launcher that it brings', async () => {
  const folder = path.join(directory, 'cgi-bin');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'hello'), '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nhello"\n', {
    mode: 0o755,
  });
  const args = [command, 'cgi', folder, '-b', '127.0.0.1:0', '--allow-root', '--python', python];
  const server = new Program(process.execPath, args, {
    cwd: directory,
    env: { PORT: undefined, XGI_CMD_ARGS: undefined },
  });
  try {
    const [, origin] = await server.waitForOutput(/Listening at: (http\S+)/);
    const response = await fetch(`${origin}/hello`);
    expect(await response.text()).toBe('hello');
  } finally {
    await server.stop();
  }
});

test('its main entry, by name', async () => {
  const script = `
    const xgi = await import('xgi');
    const head = new xgi.ResponseHead(200, ['Content-Type', 'text/plain']);
    console.log(JSON.stringify({ exports: Object.keys(xgi), status: head.status }));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: directory,
  });
  expect(stderr).toBe('');
  const { exports, status } = JSON.parse(stdout) as { exports: string[]; status: number };
  expect(exports).toEqual(
    expect.arrayContaining([
      'createWsgiHandler',
      'GatewayError',
      'parseTrustedProxies',
      'requestFinish',
      'ResponseHead',
      'Server',
      'Supervisor',
    ]),
  );
  expect(status).toBe(200);
});
