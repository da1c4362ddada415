/**
 * `concurrency` lets so many requests in, and waits for their answers. A client that goes before its answer gets none: if nobody says so to what
 * stands in front of the application, each such client takes a place for ever, and a handful of resets shuts the route for everybody.
 */
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

const WSGI = `
import time
def app(environ, start_response):
    if environ["PATH_INFO"].startswith("/wait"):
        open(environ["QUERY_STRING"], "w").close()
        time.sleep(0.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
`;

const THREAD = `
import { writeFileSync } from 'node:fs';
export default {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (!pathname.endsWith('/wait')) return new Response('here');
    writeFileSync(search.slice(1), '');
    return await new Promise(() => {});
  },
};
`;

const PROGRAM = `#!/bin/sh
case "$PATH_INFO" in
  /wait) : > "$MARKS/$QUERY_STRING"; sleep 60 ;;
esac
printf 'Content-Type: text/plain\\n\\nhere'
`;

let project: Project;
let server: XgiServer;

beforeEach(async () => {
  project = new Project();
  project.write('app.py', WSGI);
  project.write('app.ts', THREAD);
  mkdirSync(project.file('cgi-bin'));
  chmodSync(project.write('cgi-bin/p', PROGRAM), 0o755);
  const gate = { concurrency: { max: 2, queue: 10, wait: '3s' } };
  project.write(
    'xgi.config.json',
    JSON.stringify({
      apps: {
        py: { kind: 'wsgi', target: 'app:app', workers: 1 },
        ts: { kind: 'app', target: 'app.ts', workers: 1 },
        cgi: { kind: 'cgi', target: 'cgi-bin', env: { MARKS: project.directory } },
      },
      routes: [
        { path: '/py/*', app: 'py', middleware: [gate] },
        { path: '/ts/*', app: 'ts', middleware: [gate] },
        { path: '/cgi/*', app: 'cgi', middleware: [gate] },
      ],
    }),
  );
  server = await startXgi([], { cwd: project.directory });
});

afterEach(() => killAllIn(project.directory));

/** Sends a request, and resets the connection when the application runs it. */
async function leave(target: string, mark: string): Promise<void> {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET ${target}?${mark} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await pollUntil(() => existsSync(path.join(project.directory, mark)), { what: `${target} to run` });
  socket.resetAndDestroy();
}

test.each([
  ['a WSGI application', '/py/wait', '/py/'],
  ['a TypeScript application in threads', '/ts/wait', '/ts/'],
  ['a CGI program', '/cgi/p/wait', '/cgi/p'],
])('places before %s are free when those who held them have gone', async (_, wait, here) => {
  for (let i = 0; i < 4; i += 1) await leave(wait, `mark-${i}`);
  const response = await fetch(server.url(here));
  expect([response.status, await response.text()]).toEqual([200, 'here']);
});
