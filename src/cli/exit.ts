/**
 * The end of the process, also with a log that nobody reads.
 *
 * `process.exit` waits for the thread pool, and a thread that blocks in write(2) never returns: the process would
 * hang until somebody kills it. Logs do not block on pipes and terminals (log-file.ts); what is left are sockets, as
 * Node.js and systemd give their children, and pipes of another user.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isWriteUnderWay } from '../observe/log-file.js';

const PATIENCE_MS = 200;

/** Ends the process with that status; killed by SIGKILL if nothing else ends a write that blocks. */
export async function exit(status: number): Promise<never> {
  if (!(await isQuiet())) {
    // shutdown(2), which fails the write. It ends a socket that others may share, so not before it has to be.
    process.stdout.end();
    process.stderr.end();
    if (!(await isQuiet())) process.kill(process.pid, 'SIGKILL');
  }
  process.exit(status);
}

async function isQuiet(): Promise<boolean> {
  const endMs = performance.now() + PATIENCE_MS;
  while (isWriteUnderWay() && performance.now() < endMs) await delay(5);
  return !isWriteUnderWay();
}
