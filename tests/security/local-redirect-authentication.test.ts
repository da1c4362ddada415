/**
 * A local redirect of a CGI program is a request of its own: what protects the new path protects it from programs elsewhere, too, which anybody may
 * ask for it. And who has authenticated for the first path is asked for the second with the same credentials, though programs do not see them.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

const project = new Project();
let server: XgiServer;

/** `{SHA}` of `x`. */
const users = { ada: '{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=' };

beforeAll(async () => {
  mkdirSync(project.file('cgi-bin'));
  const program = (name: string, text: string): void =>
    chmodSync(project.write(`cgi-bin/${name}`, `#!/bin/sh\n${text}\n`), 0o755);
  program('go', `printf 'Location: %s\\n\\n' "$QUERY_STRING"`);
  program('who', `printf 'Content-Type: text/plain\\n\\n%s,%s' "$REMOTE_USER" "$HTTP_AUTHORIZATION"`);
  project.write(
    'xgi.config.json',
    JSON.stringify({
      apps: { cgi: { kind: 'cgi', target: 'cgi-bin' } },
      routes: [
        { path: '/open/*', app: 'cgi' },
        { path: '/closed/*', app: 'cgi', middleware: [{ basicAuth: { users } }] },
      ],
    }),
  );
  server = await startXgi([], { cwd: project.directory });
});
afterAll(() => killAllIn(project.directory));

async function get(target: string, credentials?: string): Promise<string> {
  const headers = credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` };
  const response = await fetch(server.url(target), { headers });
  return response.status === 200 ? await response.text() : String(response.status);
}

test.each([
  ['/closed/who', undefined, '401'],
  ['/open/go?/closed/who', undefined, '401'],
  ['/open/go?/closed/who', 'ada:wrong', '401'],
  ['/open/go?/%63losed/who', undefined, '401'],
  ['/open/go?/closed/who', 'ada:x', 'ada,'],
  ['/closed/go?/closed/who', 'ada:x', 'ada,'],
  ['/closed/go?/closed/go?/closed/who', 'ada:x', 'ada,'],
])('%s with %s is %s', async (target, credentials, expected) => {
  expect(await get(target, credentials)).toBe(expected);
});
