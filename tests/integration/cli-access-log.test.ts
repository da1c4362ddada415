/** The access log of a running gateway. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { startXgi, type XgiServer } from '../support/xgi.js';
import { ask, Project } from '../support/cli-project.js';

let project: Project;
let server: XgiServer;

beforeEach(() => {
  project = new Project();
});

afterEach(async () => {
  if (server.child.exitCode === null) await server.stop();
});

async function start(args: readonly string[]): Promise<void> {
  server = await startXgi(['app:app', '-w', '1', ...args], { cwd: project.directory });
}

const TIME = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;

/** Sends bytes that no client library would, and reads the answer to its end. */
async function sendRaw(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

test('- is standard output, in the format of gunicorn', async () => {
  await start(['--access-logfile', '-']);
  await fetch(server.url('/a%20b?c=d'), { headers: { 'user-agent': 'test "quoted" \\' } });
  await server.stop();
  expect(server.stdout).toMatch(
    new RegExp(
      String.raw`^127\.0\.0\.1 - - ${TIME} "GET /a%20b\?c=d HTTP/1\.1" 200 \d+ "-" "test \\x22quoted\\x22 \\x5C"\n$`,
    ),
  );
});

test('the user that middleware has authenticated, and no name that is only claimed', async () => {
  const hash = `{SHA}${createHash('sha1').update('x').digest('base64')}`;
  project.write(
    'xgi.config.yaml',
    `apps: { site: { target: app:app, workers: 1 } }
routes:
  - { app: site }
  - { path: /staff, app: site, middleware: [{ basicAuth: { users: { 'zo"e': "${hash}" } } }] }
`,
  );
  server = await startXgi(['--access-logfile', 'access.log', '--access-logformat', 'json'], {
    cwd: project.directory,
  });
  const visit = async (path: string, password: string): Promise<void> => {
    const Authorization = `Basic ${Buffer.from(`zo"e:${password}`).toString('base64')}`;
    await (await fetch(server.url(path), { headers: { Authorization } })).text();
  };
  await visit('/staff', 'x');
  await visit('/staff', 'wrong');
  await visit('/', 'x');
  await server.stop();
  const lines = readFileSync(project.file('access.log'), 'utf8').trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as { user: unknown; status: number });
  expect(entries.map(({ user, status }) => [user, status])).toEqual([
    ['zo"e', 200],
    [null, 401],
    [null, 200],
  ]);
});

test('a client cannot forge a line', async () => {
  await start(['--access-logfile', 'access.log']);
  await sendRaw(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: x" 500\x85\xff\t1.2.3.4 - - "\r\n\r\n',
  );
  await sendRaw('BAD\x1b[2J\n127.0.0.1 - -\r\n\r\n');
  await server.stop();
  const lines = readFileSync(project.file('access.log'), 'latin1').split('\n');
  expect(lines.length).toBe(3);
  expect(lines[0]).toMatch(/" 200 \d+ "-" "x\\x22 500\\x85\\xFF\\x091\.2\.3\.4 - - \\x22"$/);
  expect(lines[1]).toMatch(new RegExp(String.raw`^127\.0\.0\.1 - - ${TIME} "-" 400 (\d+|-) "-" "-"$`));
});

test('json', async () => {
  await start(['--access-logfile', 'access.log', '--access-logformat', 'json']);
  await fetch(server.url('/x'), { method: 'POST', body: 'y', headers: { referer: 'http://é/' } }).catch(
    () => {},
  );
  await ask(server.url('/y'));
  await server.stop();
  const lines = readFileSync(project.file('access.log'), 'utf8').trimEnd().split('\n');
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({
    client: '127.0.0.1',
    method: 'GET',
    target: '/y',
    status: 200,
    contentType: 'application/json',
    aborted: false,
  });
});

test('USR1 opens the file again, for log rotation', async () => {
  await start(['--access-logfile', 'access.log', '--access-logformat', '%U']);
  const file = project.file('access.log');
  await ask(server.url('/before'));
  await pollUntil(() => readFileSync(file, 'utf8') === '/before\n');
  renameSync(file, `${file}.1`);
  server.child.kill('SIGUSR1');
  await server.waitForOutput(/Handling signal: usr1/);
  await ask(server.url('/after'));
  await pollUntil(() => readFileSync(file, 'utf8') === '/after\n');
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('/before\n');
});

test('USR1 without an access log does not open the debugger', async () => {
  await start([]);
  server.child.kill('SIGUSR1');
  await server.waitForOutput(/Handling signal: usr1/);
  await ask(server.origin);
  expect(server.stderr).not.toContain('Debugger listening');
});

test('readers of standard output and standard error that have gone do not stop the server', async () => {
  await start(['--access-logfile', '-']);
  server.child.stdout!.destroy();
  server.child.stderr!.destroy();
  for (let i = 0; i < 3; i += 1) {
    server.child.kill('SIGUSR1');
    await ask(server.url(`/${i}`));
  }
  server.child.kill('SIGTERM');
  const [code] = (await once(server.child, 'exit')) as [number];
  expect(code).toBe(0);
});

test('-: a line for what was no request at all', async () => {
  await start(['--access-logfile', '-', '--access-logformat', '%h %>s "%r"']);
  expect(await sendRaw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  await server.stop();
  expect(server.stdout).toBe('127.0.0.1 400 "-"\n');
});
