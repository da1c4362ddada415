/**
 * A log whose reader has stalled: a stopped pager, a log shipper that hangs. A thread of the gateway that blocks in
 * write(2) cannot be ended, and `exit` would wait for it until somebody sends SIGKILL.
 */
import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import { requestOverUnixSocket } from '../support/unix-request.js';

// More than a pipe (64 KiB) and a socket (about 200 KiB) hold.
const APP = `
def app(environ, start_response):
    environ["wsgi.errors"].write("x" * 1_000_000 + "\\n")
    start_response("200 OK", [])
    return [b"ok"]
`;

let project: Project;
let child: ChildProcess;

beforeEach(() => {
  project = new Project();
  project.write('app.py', APP);
});

afterEach(() => void child.kill('SIGKILL'));

/** Starts a gateway, lets it log more than its logs hold, and stops it. */
async function stopWithStalledLogs(stdio: StdioOptions, args: readonly string[] = []): Promise<unknown[]> {
  const socket = project.file('s');
  child = spawn(
    process.execPath,
    [cliMain, 'app:app', '-w', '1', '--allow-root', '-b', `unix:${socket}`, ...args],
    {
      cwd: project.directory,
      stdio,
    },
  );
  await pollUntil(() => existsSync(socket));
  for (let i = 0; i < 3; i += 1) expect(await requestOverUnixSocket(socket)).toContain('200 OK');
  const exited = once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
  child.kill('SIGTERM');
  return await exited;
}

test('a pipe on standard error that nobody reads', async () => {
  const name = project.file('pipe');
  execFileSync('mkfifo', [name]);
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(name, constants.O_WRONLY);
  expect(await stopWithStalledLogs(['ignore', 'ignore', writer])).toEqual([0, null]);
  closeSync(reader);
  closeSync(writer);
});

test('a named pipe as the access log that nobody reads', async () => {
  const name = project.file('pipe');
  execFileSync('mkfifo', [name]);
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  const format = `%s ${'x'.repeat(100_000)}`;
  const args = ['--access-logfile', name, '--access-logformat', format];
  expect(await stopWithStalledLogs('ignore', args)).toEqual([0, null]);
  closeSync(reader);
});

test('a socket on standard error that nobody reads', async () => {
  // What Node.js calls a pipe is a socket pair; not read, because nothing listens for its data.
  expect(await stopWithStalledLogs(['ignore', 'ignore', 'pipe'])).toEqual([0, null]);
});
