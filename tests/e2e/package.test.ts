/** What `npm pack` makes is complete: installed somewhere else, its command runs, and its main entry can be imported. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { Program, run } from '../support/process.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { python } from '../support/wsgi-site.js';

let directory: string;
let archive: string;
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
  archive = path.join(directory, packed.stdout.trim());
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

test('what is in it: the program, its Python side and its documentation, and nothing for development', async () => {
  const { stdout } = await run('tar', ['-tzf', archive]);
  const files = stdout
    .trim()
    .split('\n')
    .map((name) => name.replace('package/', ''));
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/index.d.ts',
      'python/xgi_worker/worker.py',
      'xgi.schema.json',
      'LICENSE',
    ]),
  );
  const allowed = /^(?:(?:dist\/.+\.(?:js|d\.ts))|(?:python\/xgi_\w+\/\w+\.py)|(?:docs\/.+)|(?:[\w.]+))$/;
  expect(files.filter((name) => !allowed.test(name))).toEqual([]);
  expect(readFileSync(archive).length).toBeLessThan(1_500_000);
});

test('publint finds nothing', async () => {
  const publint = path.join(repository, 'node_modules/publint/src/cli.js');
  const { code, stdout, stderr } = await run(process.execPath, [publint, 'run', archive, '--strict'], {
    cwd: directory,
  });
  expect([code, stderr], stdout).toEqual([0, '']);
  expect(stdout).toContain('All good!');
});

/** As somebody writes it who has read the guide. */
const CONSUMER = `
import {
  app, type ApplicationHandler, cgi, collectBody, createServer, defineConfig, deriveRequest, type GatewayRequest, type GatewayServer,
  type Handler, iterableBody, type Middleware, ResponseHead, serveStatic, type ServerSettings, toFetch, toNodeListener, type UserConfig, wsgi,
} from 'xgi';
import { createServer as createHttpServer } from 'node:http';

export const config: UserConfig = defineConfig({ target: 'wsgi:app', workers: '1..4', middleware: ['requestId', { headers: { security: true } }] });

const who: Middleware = (next) => async (request) => {
  const user = request.field('x-user') ?? 'nobody';
  return await next(deriveRequest(request, { variables: [...request.variables, 'WHO', user] }));
};

const echo: Handler = async (request: GatewayRequest) => {
  const bytes: Buffer = await collectBody(request.body, 1000);
  return { head: new ResponseHead(200, ['Content-Type', 'text/plain']), body: iterableBody([bytes]) };
};

const settings: ServerSettings = {
  bind: ['127.0.0.1:0'],
  middleware: [who],
  routes: [
    { path: '/python', handler: wsgi('say:app', { workers: 1, python: process.env['PYTHON'] ?? 'python3' }) },
    { path: '/cgi', handler: cgi('cgi-program', { mount: '/' }) },
    { path: '/files', handler: serveStatic('files', { listing: true }) },
    { path: '/module', handler: app('api.ts') },
    { path: '/fetch', handler: app({ fetch: (request) => new Response(request.method) }) },
    { handler: echo },
  ],
};
const server: GatewayServer = createServer(settings);
const [origin] = await server.listen();
const texts: string[] = [];
for (const place of ['python', 'cgi/hello', 'files/a.txt', 'module', 'fetch', ''])
  texts.push((await (await fetch(origin + '/' + place, { method: place === '' ? 'POST' : 'GET', ...(place === '' && { body: 'echo' }) })).text()).trim());
texts.push(await (await server.fetch(new Request('http://site.test/fetch'))).text());
await server.close();

const again: ApplicationHandler = app(echo);
texts.push(await (await toFetch(again)(new Request('http://site.test/', { method: 'POST', body: 'again' }))).text());
const listener = createHttpServer(toNodeListener(again));
listener.close();
await again.close();
console.log(JSON.stringify(texts));

// @ts-expect-error there is no such setting
export const wrong: UserConfig = { wrokers: 1 };
// @ts-expect-error no middleware has this name
export const misspelt: UserConfig = { middleware: ['requestID'] };
// @ts-expect-error nor this one
export const misspeltKey: UserConfig = { middleware: [{ haeders: { security: true } }] };
// @ts-expect-error no option has this name
export const misspeltOption: UserConfig = { middleware: [{ headers: { sekurity: true } }] };
// @ts-expect-error one of its options is required
export const withoutOption: UserConfig = { middleware: [{ cors: {} }] };
export const ofOnesOwn: UserConfig = {
  middleware: ['./tenant.ts', 'tenant.mjs', { './tenant.js': { strict: true } }, 'marks:Marks', { 'marks.more:Marks': { a: 1 } }],
};
// @ts-expect-error of the process, not of a program
export const wrongToo: ServerSettings = { user: 'nobody' };
`;

describe('a project in TypeScript', () => {
  const COMPILERS = [
    ['node16', { module: 'node16', target: 'es2022' }],
    [
      'nodenext, exact and unchecked types',
      {
        module: 'nodenext',
        target: 'esnext',
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
      },
    ],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler', target: 'es2022' }],
    [
      'bundler, for browsers too',
      {
        module: 'preserve',
        moduleResolution: 'bundler',
        target: 'es2022',
        lib: ['es2022', 'dom', 'dom.iterable'],
      },
    ],
  ] as const;

  test.each(COMPILERS)('%s: the types resolve, and the program runs', async (_name, options) => {
    const project = path.join(directory, `consumer-${COMPILERS.findIndex(([, other]) => other === options)}`);
    mkdirSync(path.join(project, 'cgi-program'), { recursive: true });
    mkdirSync(path.join(project, 'files'));
    const write = (name: string, text: string, mode = 0o644): void =>
      writeFileSync(path.join(project, name), text, { mode });
    write('package.json', '{"type":"module","private":true}');
    write(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: { strict: true, skipLibCheck: false, outDir: 'out', rootDir: '.', ...options },
        files: ['main.ts'],
      }),
    );
    write('main.ts', CONSUMER);
    write(
      'say.py',
      'def app(environ, start):\n    start("200 OK", [])\n    return [environ["WHO"].encode() + b" python"]\n',
    );
    write('cgi-program/hello', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$WHO cgi"\n', 0o755);
    write('files/a.txt', 'file');
    write('api.ts', "export default { fetch: (_: Request) => new Response('a module') };");
    const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
    const compiled = await run(process.execPath, [tsc, '-p', project], { cwd: project });
    expect([compiled.code, compiled.stdout]).toEqual([0, '']);
    expect(existsSync(path.join(project, 'out/main.js'))).toBe(true);
    const ran = await run(process.execPath, ['out/main.js'], {
      cwd: project,
      env: { PYTHON: python, PORT: undefined },
    });
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(JSON.parse(ran.stdout)).toEqual([
      'nobody python',
      'nobody cgi',
      'file',
      'a module',
      'GET',
      'echo',
      'GET',
      'again',
    ]);
  });
});
