/** Serving an example with the built program, until it ends or is told to. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import { repository } from './run.mjs';

const DEFAULT_BIND = '127.0.0.1:8000';
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/**
 * Runs xgi with these arguments, on 127.0.0.1:8000 unless `extra`, what the user adds, says otherwise. Signals are passed on, and the exit status is
 * the server's. `note` is told when it listens.
 */
export function serve(target, extra, note) {
  const bind = extra.some((argument) => /^(-b|--bind(=|$))/.test(argument)) ? [] : ['-b', DEFAULT_BIND];
  // Whoever looks at the example in a container is root there, and it listens on the loopback interface.
  const args = ['dist/cli/main.js', ...target, '--allow-root', ...bind, ...extra];
  const server = spawn(process.execPath, args, {
    cwd: repository,
    stdio: ['ignore', 'inherit', 'pipe'],
    // In a process group of its own: Ctrl-C goes to the whole group, and the server would get it twice.
    detached: true,
  });
  announceWhenListening(server.stderr, note);

  for (const signal of FORWARDED) process.on(signal, () => server.kill(signal));
  server.on('close', (code, signal) => {
    process.exitCode = code ?? 128 + os.constants.signals[signal];
  });
}

/** Passes the server's log through, and says what to open after the line that says it listens. */
function announceWhenListening(log, note) {
  let seen = '';
  log.setEncoding('utf8').on('data', (text) => {
    process.stderr.write(text);
    if (seen === undefined) return;
    seen += text;
    const url = /Listening at: (http\S+)/.exec(seen)?.[1];
    if (!url) return;
    seen = undefined;
    const lines = [`Open ${url}/ in a browser. Ctrl-C stops the server.`, note].filter(Boolean);
    process.stderr.write(`\n${lines.map((line) => `  ${line}\n`).join('')}\n`);
  });
}
