/** What nothing catches, of a TypeScript application or of middleware that runs in the gateway, and process.exit: the log says whose it is, and what to do. */
import { mkdirSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Project, sayingApp } from '../support/cli-project.js';
import { killAllIn, spawnXgi, startXgi } from '../support/xgi.js';

const APP = `
import { connect } from 'node:net';
import { later } from 'library';

type Word = string;

const MISHAPS: Record<Word, () => void> = {
  timer: () => void setTimeout(() => { throw new TypeError('boom') }),
  promise: () => void Promise.reject(new TypeError('boom')),
  word: () => void setTimeout(() => { throw 'boom' }),
  library: () => later('boom'),
  exit: () => process.exit(3),
  socket: () => void connect({ path: '/nowhere/boom' }),
};

export default {
  fetch(request: Request) {
    MISHAPS[new URL(request.url).pathname.slice(1)]!();
    return new Response('begun');
  },
};
`;

const LIBRARY =
  'export const later = (what) => void setTimeout(() => Promise.resolve().then(() => { throw new Error(what) }));';

const TENANT = `
export default (next) => (request) => {
  setTimeout(() => { throw new TypeError('boom') });
  return next(request);
};
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('app.ts', APP);
  mkdirSync(project.file('node_modules/library'), { recursive: true });
  project.write('node_modules/library/index.js', LIBRARY);
  project.write('node_modules/library/package.json', '{"type":"module","main":"index.js"}');
});

afterEach(() => killAllIn(project.directory));

/** The log, when the gateway has ended because of a request. */
async function logAfter(path: string, ...args: string[]): Promise<string> {
  const server = await startXgi(args, { cwd: project.directory });
  await fetch(server.url(path)).catch(() => {});
  expect(await server.exited).toEqual({ code: 1, signal: null });
  return server.stderr;
}

test.each([
  ['timer', /\(\S+\/app\.ts:\d+:\d+\)/],
  ['promise', /\(\S+\/app\.ts:\d+:\d+\)/],
  ['library', /\(\S+\/node_modules\/library\/index\.js:1:\d+\)/],
  ['word', /your own, and the gateway stops/],
  ['socket', /your own, and the gateway stops/],
])('of an application, %s: with its place, if it has one', async (mishap, place) => {
  const log = await logAfter(`/${mishap}`, 'app', 'app.ts');
  const line = log.split('\n').find((one) => one.includes('[CRITICAL]'));
  expect(line).toMatch(/XGI_APP_UNCAUGHT: nothing caught an exception of the application/);
  expect(line).toMatch(place);
  expect(line).toContain('workers: N');
  expect(log).toContain('boom');
  expect(log).not.toContain('bug in xgi');
});

test('of middleware in front of a WSGI application', async () => {
  project.write('tenant.ts', TENANT);
  project.write('shop.py', sayingApp('shop'));
  project.write('xgi.config.yaml', 'target: shop:app\nworkers: 1\nmiddleware: [./tenant.ts]\n');
  expect(await logAfter('/')).toMatch(/\[CRITICAL\] XGI_APP_UNCAUGHT: .*\/tenant\.ts:\d+:\d+\)/);
});

const EXIT =
  /\[CRITICAL\] XGI_APP_EXIT: .*called process\.exit\(3\) \(\S+\/(?:app|tenant)\.ts:\d+:\d+\), and the gateway stops at once; .*workers: N/;

describe('process.exit', () => {
  test('of an application', async () => {
    const server = await startXgi(['app', 'app.ts'], { cwd: project.directory });
    await fetch(server.url('/exit')).catch(() => {});
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.stderr).toMatch(EXIT);
  });

  test('of middleware: nothing is left behind', async () => {
    project.write('tenant.ts', 'export default () => () => process.exit(3);\n');
    project.write('shop.py', sayingApp('shop'));
    project.write('xgi.config.yaml', 'target: shop:app\nworkers: 1\nmiddleware: [./tenant.ts]\n');
    mkdirSync(project.file('tmp'));
    const left = (): string[] =>
      readdirSync(project.file('tmp'), { recursive: true }).map((name) => String(name));
    const server = await startXgi(['--pid', 'tmp/pid'], {
      cwd: project.directory,
      env: { TMPDIR: project.file('tmp'), XDG_RUNTIME_DIR: undefined },
    });
    const before = left();
    await fetch(server.url('/')).catch(() => {});
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.stderr).toMatch(EXIT);
    const folder = /^xgi-control-\d+$/;
    expect(before.filter((name) => !folder.test(name))).not.toEqual([]);
    expect(left().filter((name) => !folder.test(name))).toEqual([]);
  });

  test('at the start', async () => {
    project.write('app.ts', 'process.exit(3);\n');
    const server = spawnXgi(['app', 'app.ts', '-b', '127.0.0.1:0'], { cwd: project.directory });
    expect(await server.exited).toEqual({ code: 3, signal: null });
    expect(server.stderr).toMatch(EXIT);
  });

  test('an end of its own is none', async () => {
    const server = await startXgi(['app', 'app.ts'], { cwd: project.directory });
    server.child.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.stderr).not.toContain('XGI_APP_EXIT');
  });
});
