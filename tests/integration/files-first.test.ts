/** A route of several: files where there are some, and the application for everything else. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { writeTree } from '../support/tree.js';
import { killAllIn, runXgi, spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

const APP = `
def app(environ, start_response):
    body = environ["wsgi.input"].read().decode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["app {REQUEST_METHOD} {SCRIPT_NAME}|{PATH_INFO} ".format(**environ).encode() + body.encode()]
`;

const CONFIG = `
apps:
  web: { target: app:app, workers: 1 }
  one: { kind: static, target: ./one }
  two: { kind: static, target: ./two }
routes:
  - { app: [one, two, web] }
  - { path: /only, app: [one, two] }
`;

let project: Project;
let server: XgiServer;

beforeEach(() => {
  project = new Project();
  project.write('app.py', APP);
  project.write('xgi.config.yaml', CONFIG);
  writeTree(project.directory, {
    'one/index.html': 'home of one',
    'one/both.txt': 'one',
    'one/404.html': 'lost in one',
    'one/.hidden': 'hidden',
    'one/folder/a.txt': 'a',
    'one/help/index.html': 'help',
    'one/out': ['/etc/passwd'],
    'two/index.html': 'home of two',
    'two/both.txt': 'two',
    'two/second.txt': 'second',
    'two/404.html': 'lost in two',
    'two/large.bin': 'x'.repeat(400_000),
  });
});

afterEach(() => killAllIn(project.directory));

async function hear(path: string, options: RequestInit = {}): Promise<string> {
  const response = await fetch(server.url(path), { redirect: 'manual', ...options });
  return `${response.status} ${response.headers.get('location') ?? (await response.text()).slice(0, 60)}`;
}

test('the first that has the file answers, else the application', async () => {
  server = await startXgi([], { cwd: project.directory });
  expect(await hear('/')).toBe('200 home of one');
  expect(await hear('/both.txt')).toBe('200 one');
  expect(await hear('/second.txt')).toBe('200 second');
  expect(await hear('/large.bin')).toBe(`200 ${'x'.repeat(60)}`);
  expect(await hear('/page?a=b')).toBe('200 app GET |/page ');
  expect(await hear('/second.txt/more')).toBe('200 app GET |/second.txt/more ');
  expect((await fetch(server.url('/both.txt'), { method: 'HEAD' })).headers.get('content-length')).toBe('3');
  expect(await hear('/both.txt', { method: 'POST', body: 'sent' })).toBe('200 app POST |/both.txt sent');
  expect(await hear('/both.txt', { method: 'OPTIONS' })).toBe('200 app OPTIONS |/both.txt ');
});

test('a folder without an index, and what is refused, are not there; one with an index is', async () => {
  server = await startXgi([], { cwd: project.directory });
  expect(await hear('/folder')).toBe('200 app GET |/folder ');
  expect(await hear('/folder/')).toBe('200 app GET |/folder/ ');
  expect(await hear('/help')).toBe('301 /help/');
  expect(await hear('/help/')).toBe('200 help');
  expect(await hear('/.hidden')).toBe('200 app GET |/.hidden ');
  expect(await hear('/out')).toBe('200 app GET |/out ');
});

test('below a path; the last one says what is missing', async () => {
  server = await startXgi([], { cwd: project.directory });
  expect(await hear('/only/both.txt')).toBe('200 one');
  expect(await hear('/only/second.txt')).toBe('200 second');
  expect(await hear('/only/none')).toBe('404 lost in two');
  const { stdout } = await runXgi(['routes'], { cwd: project.directory });
  expect(stdout).toMatch(/\/only +→ one: static \.\/one, else → two: static \.\/two\n/);
  expect(stdout).toContain('else → web: wsgi app:app\n');
});

test.each([
  ['app: [web, one]', 'routes[0].app[0]: expected static files'],
  ['app: [one, webb]', 'routes[0].app[1]: there is no application "webb" in apps; did you mean web?'],
  ['app: []', 'routes[0].app: expected the name of an application in apps'],
])('%s is refused', async (written, message) => {
  project.write('xgi.config.yaml', CONFIG.replace('app: [one, two, web]', written));
  const program = spawnXgi([], { cwd: project.directory });
  expect((await program.exited).code).toBe(2);
  expect(program.stderr).toContain(message);
});
