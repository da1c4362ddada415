/**
 * The contract of warm Python: the same unmodified scripts, started for each request and forked from an interpreter that runs already,
 * answer the same, and leave the same in the log. What the processes find and do is compared in more detail by
 * tests/python/test_cgi_warm.py, below HTTP.
 */
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { request } from '../support/wsgi-client.js';
import { readStatus, startXgi, type XgiServer } from '../support/xgi.js';

const folder = makeTempDir();
const control = ['--control-socket', path.join(folder, 'control')];
let cold: XgiServer;
let warm: XgiServer;

beforeAll(async () => {
  cpSync(path.join(repository, 'tests/fixtures/cgi-python'), folder, { recursive: true });
  [cold, warm] = await Promise.all([
    startXgi(['cgi', folder, '--no-cgi-warm'], { cwd: folder }),
    startXgi(['cgi', folder, ...control], { cwd: folder }),
  ]);
  // When all launchers have started: one of them is enough for answers, and this would be in the log of the first.
  await Promise.all([cold, warm].map((server) => server.waitForOutput(/\[INFO\] Ready after/)));
  const status = await readStatus(control, { cwd: folder });
  const launchers = status!.gateways.flatMap(({ workers }) => workers);
  const interpreters = new Set<string>();
  // The first requests start the interpreter of a launcher, and are cold themselves. Of so many at once each launcher has its share.
  await pollUntil(
    async () => {
      const answers = await Promise.all([...launchers, ...launchers].map(() => ask(warm, '/warm.py')));
      for (const { body } of answers) if (body.startsWith('warm ')) interpreters.add(body);
      return interpreters.size === launchers.length;
    },
    { what: 'a warm interpreter of each launcher' },
  );
  expect((await ask(cold, '/warm.py')).body).toMatch(/^cold /);
});

afterAll(async () => {
  await Promise.all([cold.stop(), warm.stop()]);
  removeTempDir(folder);
});

interface Observed {
  readonly status: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

/** What the client sees, without what the server adds. */
async function ask(server: XgiServer, target: string, body?: Buffer): Promise<Observed> {
  const answer = await request(server.port, target, body === undefined ? {} : { method: 'POST', body });
  const [status, ...fields] = answer.head.trimEnd().split('\r\n');
  return {
    status: status!,
    fields: fields.filter((field) => !/^(?:date|transfer-encoding|content-length|connection):/i.test(field)),
    // The request's number, in an error.
    body: answer.body.toString('latin1').replace(/request \S+/, 'request N'),
    complete: answer.complete,
  };
}

let marks = 0;

/** What the client sees, and what the log says, without what differs from request to request. */
async function observe(
  server: XgiServer,
  target: string,
  body?: Buffer,
): Promise<Observed & { log: string[] }> {
  const before = server.output.length;
  const seen = await ask(server, target, body);
  // The log is written in order: when this is there, everything else is.
  const mark = `/not-there-${++marks}`;
  await request(server.port, mark);
  await server.waitForOutput(new RegExp(`XGI_CGI_NOT_FOUND.*${mark}[^]*?no such file`));
  const lines = server.output.slice(before).split('\n');
  const end = lines.findIndex((line) => line.includes(mark));
  const log = lines
    .slice(0, end)
    .map((line) => line.replace(/^\[.*?\] \[\d+\] /, '').replaceAll(/(requestId|pid)=[^ )]+/g, '$1'));
  return { ...seen, log };
}

async function expectSame(target: string, body?: Buffer): Promise<Observed & { log: string[] }> {
  const [started, forked] = await Promise.all([observe(cold, target, body), observe(warm, target, body)]);
  expect(forked).toEqual(started);
  return forked;
}

test('environment, arguments, sys.path, directory, umask, descriptors, streams, signals, names, modules', async () => {
  const { status, fields, body } = await expectSame('/describe.py/info?a=b');
  expect(status).toBe('HTTP/1.1 201 Made');
  expect(fields).toEqual(expect.arrayContaining(['Set-Cookie: a=1', 'Set-Cookie: b=2']));
  const found = JSON.parse(body) as { environment: [string, string][]; argv: string[]; path: string[] };
  expect(Object.fromEntries(found.environment)).toMatchObject({ PATH_INFO: '/info', QUERY_STRING: 'a=b' });
  expect(found.argv).toEqual([path.join(folder, 'describe.py')]);
  expect(found.path[0]).toBe(folder);
});

test.each([
  'exit',
  'exit-number',
  'exit-negative',
  'exit-text',
  'exit-object',
  'raise',
  'raise-chained',
  'interrupt',
  'killed',
  'at-once',
  'closed-output',
])('a script that ends so: %s', async (how) => {
  const { log } = await expectSame(`/ends.py?${how}`);
  if (how.startsWith('raise')) expect(log.join('\n')).toContain('Traceback (most recent call last):');
  if (how === 'exit-number') expect(log.join('\n')).toContain('ended with status 44, after its answer');
});

test('threads, exit handlers, finalizers and buffers', async () => {
  const { body, log } = await expectSame('/afterwards.py');
  expect(body).toBe('main\nthread\nlast registered\nfirst registered\n');
  expect(log.filter((line) => line.includes(': finalized'))).toHaveLength(2);
  expect(log.join('\n')).toContain('never flushed by the script');
});

test('forks and other programs', async () => {
  const { body, log } = await expectSame('/processes.py');
  expect(body).toBe('from sh\nGET\nchild\nparent of a child that ended with 3\n');
  expect(log.join('\n')).toContain('to stderr');
});

test.each([
  ['none', 0, 'other 0 0'],
  ['a small one', 20_000, 'pipe 20000'],
  ['a large one', 300_000, 'file 300000'],
])('a body: %s', async (_, length, expected) => {
  const { body } = await expectSame('/body.py', length === 0 ? undefined : Buffer.alloc(length, 'x'));
  expect(body).toContain(expected);
  expect(body).toContain("b''");
});

test('a module beside the script; and a changed one is seen at once', async () => {
  expect((await expectSame('/imports.py')).body).toBe(`a neighbour, by ${folder}/neighbour.py\n`);
  // Of another size: a cached .pyc file knows its source by that, and by a time in whole seconds.
  writeFileSync(path.join(folder, 'neighbour.py'), 'WORD = "another neighbour"\n');
  expect((await expectSame('/imports.py')).body).toBe(`another neighbour, by ${folder}/neighbour.py\n`);
});

test('a changed script is seen at once, also if size and second are the same', async () => {
  const file = path.join(folder, 'changing.py');
  for (const word of ['one', 'two', 'six', 'ten']) {
    writeFileSync(file, `#!/usr/bin/env python3\nprint("Content-Type: text/plain\\n\\n${word}", end="")\n`, {
      mode: 0o755,
    });
    expect((await expectSame('/changing.py')).body).toBe(word);
  }
});

test('a syntax error', async () => {
  const { status, log } = await expectSame('/syntax.py');
  expect(status).toBe('HTTP/1.1 502 Bad Gateway');
  expect(log.join('\n')).toContain('SyntaxError');
});
