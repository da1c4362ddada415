import { once } from 'node:events';
import { renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rssOf } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import { StaticFolder } from '../support/static-folder.js';
import { startStatic } from '../support/static-site.js';
import { WsgiClient } from '../support/wsgi-client.js';
import { runXgi, spawnXgi } from '../support/xgi.js';

const MIB = 1_048_576;
const folder = new StaticFolder({
  'index.html': 'home',
  'home.htm': 'other home',
  'lost.html': 'lost',
  'list/a.txt': 'a',
  'a.js': 'plain',
  'a.js.gz': 'coded',
});
const cwd = folder.directory;

beforeAll(() => {
  folder.write('huge.bin', Buffer.alloc(50 * MIB, 'huge'));
});
afterAll(() => folder.remove());

test('xgi static DIR: says what it serves, and stops on TERM', async () => {
  const { server, get } = await startStatic(folder);
  await server.waitForOutput(/\[INFO\] Ready after/);
  expect(server.stderr).toContain(`Serving static files: ${folder.root} at /\n`);
  expect(server.stderr).not.toContain('interpreter');
  expect((await get('/')).body.toString()).toBe('home');
  expect((await get('/list/')).status).toBe(404);
  server.child.kill('SIGTERM');
  expect((await server.exited).code).toBe(0);
});

test('xgi ./root: a folder with an index.html', async () => {
  const { get } = await startStatic(folder, [], ['./root']);
  expect((await get('/')).body.toString()).toBe('home');
});

test('a folder that is a link: a new version without a reload', async () => {
  folder.write('../v1/index.html', 'one');
  folder.write('../v2/index.html', 'two');
  const lead = (to: string): void => {
    symlinkSync(to, path.join(cwd, 'next'));
    renameSync(path.join(cwd, 'next'), path.join(cwd, 'current'));
  };
  lead('v1');
  const { get } = await startStatic(folder, [], ['static', 'current']);
  expect((await get('/')).body.toString()).toBe('one');
  lead('v2');
  await pollUntil(async () => (await get('/')).body.toString() === 'two', { deadlineMs: 1000 });
});

test('every flag', async () => {
  const flags = [
    '--mount',
    '/m/',
    '--index',
    'none.html',
    '--index',
    'home.htm',
    '--listing',
    '--precompressed',
  ];
  flags.push('--spa', 'index.html', '--error-page', '404=lost.html', '--gateways', '2');
  flags.push('--cache-control', '*.js=public, max-age=60', '--cache-control', '/=no-cache');
  const { get } = await startStatic(folder, flags);
  expect((await get('/m/')).body.toString()).toBe('other home');
  expect((await get('/m/list/')).body.toString()).toContain('a.txt');
  const script = await get('/m/a.js', ['Accept-Encoding: gzip']);
  expect([script.body.toString(), script.headers.get('cache-control')]).toEqual([
    'coded',
    'public, max-age=60',
  ]);
  expect((await get('/m/index.html')).headers.get('cache-control')).toBe('no-cache');
  expect((await get('/m/page', ['Accept: text/html'])).body.toString()).toBe('home');
  const lost = await get('/m/page');
  expect([lost.status, lost.body.toString()]).toEqual([404, 'lost']);
});

test('status, reload and scale', async () => {
  const socket = ['--control-socket', 'control'];
  const { server, get } = await startStatic(folder, socket);
  await server.waitForOutput(/\[INFO\] Ready after/);
  for (const target of ['/', '/', '/lost']) await get(target);
  const status = await runXgi(['status', ...socket], { cwd });
  expect(status.code).toBe(0);
  expect(status.stdout).toContain('ready');
  expect(status.stdout).toMatch(/\n {2}workers {6}none\n\ngateway .*; 3 requests\n$/);
  expect((await runXgi(['reload', ...socket], { cwd })).code).toBe(0);
  const scale = await runXgi(['scale', '2', ...socket], { cwd });
  expect(scale.code).not.toBe(0);
  expect(scale.stderr).toContain('static files have no workers');
});

describe('a start', () => {
  async function refusal(words: readonly string[]): Promise<string> {
    const program = spawnXgi(words, { cwd });
    expect((await program.exited).code).toBe(2);
    return program.stderr;
  }

  test.each([
    [
      ['static', 'nowhere'],
      'TARGET: expected a folder of files, received "nowhere": there is nothing of that name',
    ],
    [['static', 'root/a.js'], 'TARGET: expected a folder of files, received "root/a.js": it is no folder'],
    [['static'], 'xgi static: no TARGET given'],
    [['static', 'root', '--spa', 'app.html'], '--spa: expected a file below TARGET, received "app.html"'],
    [['static', 'root', '--spa', '../../etc/passwd'], '--spa: expected a file below TARGET'],
    [['static', 'root', '--error-page', '200=a'], '--error-page: expected STATUS=FILE'],
    [['static', 'root', '--error-page', '500=index.html'], '--error-page: expected STATUS=FILE'],
    [['static', 'root', '--error-page', '404=no.html'], '--error-page: expected a file below TARGET'],
    [['static', 'root', '--cache-control', 'no-cache'], '--cache-control: expected PATTERN=VALUE'],
    [['static', 'root', '--index', '../a'], '--index: expected the name of a file'],
    [['static', 'root', '-w', '2'], 'and "root" is served as static files; more processes'],
    [['root/list'], 'there is nothing to serve in'],
    [
      ['wsgi', 'app', '--listing'],
      '--listing is for static files, and "app" is served as a WSGI application',
    ],
  ])('%j is refused', async (words, message) => {
    expect(await refusal(words)).toContain(message);
  });

  test('--check-config', async () => {
    const program = spawnXgi(['static', 'root', '--check-config', '-b', '127.0.0.1:0'], { cwd });
    expect((await program.exited).code).toBe(0);
    expect(program.stdout).toBe('xgi: root can be served (static files)\n');
  });
});

test('50 MB to many that read slowly or fast: memory is bounded', async () => {
  const { server, get } = await startStatic(folder);
  expect((await get('/')).status).toBe(200);
  const before = rssOf(server.child.pid!);
  const slow = Array.from({ length: 12 }, () => {
    const client = new WsgiClient(server.port, { readPaused: true });
    client.send('GET /huge.bin HTTP/1.1\r\nHost: a\r\n\r\n');
    return client;
  });
  let most = 0;
  const look = setInterval(() => (most = Math.max(most, rssOf(server.child.pid!))), 5);
  for (let i = 0; i < 3; i++) {
    const client = new WsgiClient(server.port);
    let bytes = 0;
    client.socket.removeAllListeners('data').on('data', (chunk: Buffer) => (bytes += chunk.length));
    client.send('GET /huge.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(client.socket, 'end');
    expect(bytes).toBeGreaterThan(50 * MIB);
    client.close();
  }
  clearInterval(look);
  for (const client of slow) client.close();
  // Half a MiB for each of the 13, and what the garbage collector leaves lying.
  expect(most - before).toBeLessThan(40 * MIB);
  await pollUntil(async () => (await get('/')).status === 200);
});
