/** A middleware that lets a request wait learns by `onAbort` of a client that closes its connection, before and behind every kind of application. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { RawClient } from '../support/http-client.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

const WAIT = `
import { appendFileSync } from 'node:fs';
const note = (line) => appendFileSync('notes', line + '\\n');
export default (next) => async (request) => {
  const answer = request.query === 'behind' ? await next(request) : undefined;
  return await new Promise((_, reject) => {
    request.onAbort(() => {
      note('gone');
      reject(new Error('nobody is there'));
    });
    note('waits');
  });
};
`;

let project: Project;
let server: XgiServer;

beforeEach(async () => {
  project = new Project();
  project.write('app.py', 'def app(environ, start):\n    start("200 OK", [])\n    return [b"here"]\n');
  project.write('app.ts', "export default { fetch: () => new Response('here') };\n");
  mkdirSync(project.file('cgi-bin'));
  chmodSync(project.write('cgi-bin/p', "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhere'\n"), 0o755);
  project.write('wait.mjs', WAIT);
  project.write(
    'xgi.config.json',
    JSON.stringify({
      middleware: ['./wait.mjs'],
      apps: {
        wsgi: { kind: 'wsgi', target: 'app:app', workers: 1 },
        inline: { kind: 'app', target: 'app.ts' },
        threads: { kind: 'app', target: 'app.ts', workers: 1 },
        cgi: { kind: 'cgi', target: 'cgi-bin' },
      },
      routes: ['wsgi', 'inline', 'threads', 'cgi'].map((app) => ({ path: `/${app}/*`, app })),
    }),
  );
  server = await startXgi([], { cwd: project.directory });
});

afterEach(() => killAllIn(project.directory));

function notes(): string {
  return readFileSync(path.join(project.directory, 'notes'), 'utf8');
}

test.each(['/wsgi/', '/inline/', '/threads/', '/cgi/p'])('%s', async (target) => {
  let expected = '';
  for (const where of ['before', 'behind']) {
    const client = await RawClient.connect(server.port);
    client.send(`GET ${target}?${where} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expected += 'waits\n';
    await pollUntil(() => notes() === expected, { what: `the middleware to wait ${where} the application` });
    client.socket.destroy();
    expected += 'gone\n';
    await pollUntil(() => notes() === expected, { what: `the middleware ${where} it to be told` });
  }
});
