/** CGI programs from TypeScript: handlers that share a pool, mounted side by side in one server. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createCgiHandler,
  DEFAULT_DEADLINES,
  DEFAULT_LIMITS,
  type Handler,
  parseTrustedProxies,
  ProgramPool,
  ResponseHead,
  Server,
} from '../../src/index.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';

const folder = makeTempDir();
const log = { debug() {}, info() {}, warn() {}, error() {} };
const pool = new ProgramPool({
  python: null,
  env: { PATH: '/usr/bin:/bin', NAME: 'pool' },
  concurrency: 2,
  log,
});

const folderOfPrograms = createCgiHandler({
  site: { kind: 'directory', path: folder },
  mount: '/programs',
  pool,
  log,
  route: (request) => route(request),
});
const oneProgram = createCgiHandler({
  site: { kind: 'program', path: path.join(folder, 'where.sh') },
  mount: '/tools/where',
  pool,
  log,
});
const route: Handler = (request) => {
  if (request.path.startsWith('/programs/')) return folderOfPrograms(request);
  if (request.path.startsWith('/tools/')) return oneProgram(request);
  return {
    head: new ResponseHead(200, ['Content-Type', 'text/plain']),
    body: { kind: 'bytes', bytes: `TypeScript: ${request.method} ${request.path}?${request.query}` },
  };
};

const server = new Server({
  handler: route,
  limits: DEFAULT_LIMITS,
  deadlines: DEFAULT_DEADLINES,
  trustedProxies: parseTrustedProxies(''),
  log,
});
let origin = '';

function program(name: string, lines: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), `#!/bin/sh\n${lines}\n`);
  chmodSync(path.join(folder, name), 0o755);
}

beforeAll(async () => {
  program(
    'where.sh',
    `printf 'Content-Type: text/plain\\n\\n%s' "$NAME|$SCRIPT_NAME|$PATH_INFO|$CONTEXT_PREFIX"`,
  );
  program('sub/elsewhere.sh', `printf 'Location: /page?a=b\\n\\n'`);
  await pool.start();
  origin = (await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })).url;
});

afterAll(async () => {
  await server.shutdown(1000);
  await pool.stop(1000);
  removeTempDir(folder);
});

async function get(target: string): Promise<string> {
  const response = await fetch(origin + target);
  return `${response.status} ${await response.text()}`;
}

test('a folder, mounted at a path', async () => {
  expect(await get('/programs/where.sh/a/b')).toBe('200 pool|/programs/where.sh|/a/b|/programs');
});

test('one program, mounted at a path', async () => {
  expect(await get('/tools/where')).toBe('200 pool|/tools/where||/tools/where');
  expect(await get('/tools/where/x')).toBe('200 pool|/tools/where|/x|/tools/where');
  expect(await get('/tools/whereabouts')).toMatch(/^404 /);
});

test('a local redirect leads to whatever the route says', async () => {
  expect(await get('/programs/sub/elsewhere.sh')).toBe('200 TypeScript: GET /page?a=b');
});

test('the pool counts what its handlers have run', async () => {
  // The client has its answer a moment before the end of the program is known.
  await pollUntil(() => pool.status().workers.every(({ running }) => running.length === 0), {
    what: 'the end of all programs',
  });
  expect(pool.status().totals.requests).toBe(4);
});
