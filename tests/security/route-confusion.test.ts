/**
 * A route keeps /admin for an application that checks passwords, the rest goes to one that would answer for it too. Whoever writes the path so
 * that the server reads another one than the application behind it does gets past: %2f for a slash, a dot segment, a letter percent-encoded,
 * a host with another case or a port. What the server cannot read in exactly one way reaches nobody.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { RawClient } from '../support/http-client.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

const APP = (name: string): string => `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["|".join(["${name}", environ["SCRIPT_NAME"], environ["PATH_INFO"]]).encode("latin-1")]
`;

const project = new Project();
let server: XgiServer;

beforeAll(async () => {
  project.write('guarded.py', APP('guarded'));
  project.write('open_.py', APP('open'));
  project.write(
    'xgi.config.yaml',
    `
apps:
  guarded: { target: guarded:app, workers: 1 }
  open: { target: open_:app, workers: 1 }
routes:
  - { path: /admin, app: guarded }
  - { host: admin.example.org, app: guarded }
  - { app: open }
`,
  );
  server = await startXgi([], { cwd: project.directory });
});

afterAll(() => killAllIn(project.directory));

async function ask(path: string, host = 'example.org', fields = ''): Promise<string> {
  const client = await RawClient.connect(server.port);
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
  const { status, body } = await client.response();
  client.socket.destroy();
  return status === 200 ? body : String(status);
}

test.each([
  ['/admin', 'guarded|/admin|'],
  ['/admin/x', 'guarded|/admin|/x'],
  ['/%61dmin/x', 'guarded|/admin|/x'],
  ['/%61%64%6d%69%6e', 'guarded|/admin|'],
  ['http://example.org/admin/x', 'guarded|/admin|/x'],
  // Decoded once: this is no letter.
  ['/%2561dmin', 'open||/%61dmin'],
  ['/ADMIN', 'open||/ADMIN'],
  ['/administrator', 'open||/administrator'],
])('%s is read by both as %s', async (path, answer) => {
  expect(await ask(path)).toBe(answer);
});

test.each([
  '/x/../admin',
  '/./admin',
  '/x/%2e%2e/admin',
  '/%2e/admin',
  '/admin/../x',
  '/admin%00',
  '/x/..%2fadmin',
])('%s reaches nobody', async (path) => expect(['400', '404']).toContain(await ask(path)));

test.each(['/admin%2fx', '/%2fadmin', '/admin%2F', '/admin%5cx', '/%2e%2e%2fadmin'])(
  '%s, which an application would read as another path, reaches nobody',
  async (path) => expect(['400', '404']).toContain(await ask(path)),
);

test.each(['admin.example.org', 'ADMIN.example.org', 'admin.example.org.', 'admin.example.org:8000'])(
  'the host %s',
  async (host) => expect(await ask('/x', host)).toBe('guarded||/x'),
);

test('no field sets the mount', async () => {
  expect(
    await ask('/x', 'example.org', 'Script-Name: /admin\r\nX-Script-Name: /admin\r\nScript_Name: /admin\r\n'),
  ).toBe('open||/x');
});
