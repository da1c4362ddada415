/** docs/guide/coming-from.md: the file that it shows does what it says. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authority, flagsOf } from '../support/certificates.js';
import { Project } from '../support/cli-project.js';
import { curl } from '../support/curl.js';
import { repository } from '../support/paths.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

const guide = readFileSync(path.join(repository, 'docs/guide/coming-from.md'), 'utf8');
const configuration = /^```yaml\n([^]*?)^```$/m.exec(guide)![1]!;

const WSGI = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("shop %s" % environ["PATH_INFO"]).encode()]
`;
const CGI = '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\ntool $SCRIPT_NAME"\n';

let project: Project;
let server: XgiServer;

beforeAll(async () => {
  project = new Project();
  for (const folder of ['public', 'static', 'cgi-bin']) mkdirSync(project.file(folder));
  project.write('xgi.config.yaml', configuration);
  project.write('shop.wsgi', WSGI);
  project.write('public/index.html', 'home');
  project.write('static/a.css', 'plain');
  project.write('static/a.css.gz', 'coded');
  chmodSync(project.write('cgi-bin/tool', CGI), 0o755);
  const pair = new Authority().issue('shop', { names: ['DNS:shop.example.org', 'DNS:www.shop.example.org'] });
  const addresses = ['-b', '127.0.0.1:0', '--tls-redirect', '127.0.0.1:0'];
  server = await startXgi([...flagsOf(pair), ...addresses], { cwd: project.directory });
  await server.waitForOutput(/Ready after/);
});

afterAll(() => killAllIn(project.directory));

async function ask(url: string, ...args: readonly string[]) {
  const { host } = new URL(url);
  return await curl('-k', '--connect-to', `${host}:443:127.0.0.1:${server.port}`, ...args, url);
}

test.each([
  ['/', 200, 'home'],
  ['/basket', 200, 'shop /basket'],
  ['/static/a.css', 200, 'plain'],
  ['/cgi-bin/tool', 200, 'tool /cgi-bin/tool'],
  ['/internal/x', 403, ''],
])('%s: %i %s', async (target, status, body) => {
  const answer = await ask(`https://shop.example.org${target}`);
  expect([answer.status, answer.body]).toEqual([status, body]);
  expect(answer.head).toContain('strict-transport-security: max-age=31536000\r\n');
});

test('expires and gzip_static', async () => {
  const { head, body } = await ask('https://shop.example.org/static/a.css', '-H', 'Accept-Encoding: gzip');
  expect(head).toContain('cache-control: max-age=2592000\r\n');
  expect(head).toContain('content-encoding: gzip\r\n');
  expect(body).toBe('coded');
});

test.each([
  ['https://shop.example.org/old/a?b=c', '/new/a?b=c'],
  ['https://www.shop.example.org/a?b=c', 'https://shop.example.org/a?b=c'],
])('%s is moved to %s', async (from, to) => {
  const { status, head } = await ask(from);
  expect(status).toBe(301);
  expect(head).toContain(`location: ${to}\r\n`);
});

test('a host without a route: 404', async () => {
  expect((await ask('https://other.example.org/')).status).toBe(404);
});
