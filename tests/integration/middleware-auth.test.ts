/** Authentication and access logs from the configuration file, in front of a WSGI application and a CGI program. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, runXgi, spawnXgi, startXgi } from '../support/xgi.js';

const sha = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
const ada = { Authorization: `Basic ${Buffer.from('ada:x').toString('base64')}` };

const WHO = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ["AUTH_TYPE", "REMOTE_USER", "HTTP_AUTHORIZATION", "HTTP_REMOTE_USER"]
    return [" ".join(environ.get(name, "-") for name in names).encode("latin-1")]
`;

const SITE = `
apps:
  py: { target: who:app, workers: 1 }
  cgi: { target: ./cgi-bin }
routes:
  - path: /open
    app: py
  - path: /cgi
    app: cgi
    middleware: [{ basicAuth: { file: staff.htpasswd, realm: Staff } }]
  - app: py
    middleware:
      - accessLog: { file: shop.log, format: '%m %U %s %B' }
      - basicAuth: { file: staff.htpasswd, realm: Staff }
      - accessLog: { file: users.log, format: '%u %U' }
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('who.py', WHO);
  project.write('staff.htpasswd', `ada:${sha('x')}\n`);
  project.write('xgi.config.yaml', SITE);
  mkdirSync(project.file('cgi-bin'));
  project.write(
    'cgi-bin/who',
    '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$AUTH_TYPE $REMOTE_USER $HTTP_REMOTE_USER"\n',
  );
  chmodSync(project.file('cgi-bin/who'), 0o755);
});

afterEach(() => killAllIn(project.directory));

const read = (name: string): string => readFileSync(project.file(name), 'utf8');

test('REMOTE_USER and AUTH_TYPE, and what a client says of them', async () => {
  const server = await startXgi([], { cwd: project.directory });
  const hear = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(server.url(path), { headers });
    return `${response.status} ${await response.text()}`;
  };
  const spoofed = { ...ada, 'Remote-User': 'root' };
  expect(await hear('/', spoofed)).toBe('200 Basic ada - -');
  expect(await hear('/cgi/who', spoofed)).toBe('200 Basic ada ');
  expect(await hear('/cgi/who')).toContain('401');
  expect(await hear('/open/')).toBe('200 - - - -');
});

test('logs of their own, which SIGUSR1 opens again, and a reload changes', async () => {
  const server = await startXgi([], { cwd: project.directory });
  await (await fetch(server.url('/a'))).text();
  await (await fetch(server.url('/b'), { headers: ada })).text();
  await (await fetch(server.url('/open/'))).text();
  const length = 'A user name and a password are needed.\n'.length;
  await pollUntil(
    () => read('shop.log') === `GET /a 401 ${length}\nGET /b 200 13\n` && read('users.log') === 'ada /b\n',
  );

  renameSync(project.file('shop.log'), project.file('shop.log.1'));
  server.child.kill('SIGUSR1');
  await pollUntil(() => read('shop.log') === '');
  await (await fetch(server.url('/c'), { headers: ada })).text();
  await pollUntil(() => read('shop.log') === 'GET /c 200 13\n');

  project.write(
    'xgi.config.yaml',
    SITE.replace('shop.log', 'other.log').replace('staff.htpasswd', 'other.htpasswd'),
  );
  project.write('other.htpasswd', `bob:${sha('y')}\n`);
  expect((await runXgi(['reload'], { cwd: project.directory })).stderr).toBe('');
  await (await fetch(server.url('/d'), { headers: ada })).text();
  await pollUntil(() => read('other.log').startsWith('GET /d '));
  expect(read('shop.log')).toBe('GET /c 200 13\n');

  // The last lines are written at the end.
  await (await fetch(server.url('/e'), { headers: ada })).text();
  server.child.kill('SIGTERM');
  await server.exited;
  expect(read('other.log')).toContain('GET /e ');
});

test('made by a program, they say what is wrong on standard error', async () => {
  rmSync(project.file('xgi.config.yaml'));
  project.write(
    'xgi.config.ts',
    `import { basicAuth, defineConfig } from 'xgi';
    export default defineConfig({ target: './api.ts', middleware: [basicAuth({ file: 'staff.htpasswd' })] });`,
  );
  project.write('api.ts', 'export default { fetch: () => new Response("in") };');
  const server = await startXgi([], { cwd: project.directory });
  expect((await fetch(server.url('/'), { headers: ada })).status).toBe(200);
  project.write('staff.htpasswd', 'ada:hunter2\n');
  await pollUntil(
    async () => {
      expect((await fetch(server.url('/'), { headers: ada })).status).toBe(200);
      return server.output.includes('XGI_AUTH_USERS');
    },
    { what: 'the mistake in the log' },
  );
  expect(server.output).toMatch(/\[ERROR\] XGI_AUTH_USERS: .*staff\.htpasswd cannot be used, .*line 1/);
});

test.each([
  [
    'staff.htpasswd',
    'ada:hunter2\n',
    'line 1: the user "ada": expected a hash of bcrypt, apr1 or {SHA}, found a plain password',
  ],
  [
    'xgi.config.yaml',
    SITE.replace('realm: Staff', 'relm: Staff'),
    'basicAuth.relm: there is no such setting; did you mean realm?',
  ],
  [
    'xgi.config.yaml',
    SITE.replace('- basicAuth: { file: staff.htpasswd, realm: Staff }', '- basicAuth'),
    'basicAuth needs options: expected either file or users, received none',
  ],
  [
    'xgi.config.yaml',
    SITE.replace('file: staff.htpasswd', 'users: { ada: hunter2 }'),
    'basicAuth: { users: { ada: …\n',
  ],
  ['xgi.config.yaml', SITE.replace("'%m %U %s %B'", "'%(nope)s'"), 'format: expected gunicorn'],
])('a mistake in %s stops the start', async (file, text, message) => {
  project.write(file, text);
  const server = spawnXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
  const { code } = await server.exited;
  expect(server.output).toContain(message);
  expect(server.output).not.toContain('hunter2');
  expect(code).toBe(2);
});
