/** `xgi stop`: ends the running xgi, and waits until it has gone. */
import { lstatSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from './steer-units.js';
import { probeControlSocket } from '../service/control-probe.js';
import { findXgi, nameOf } from './steer-find.js';
import type { SteerLine } from './steer-line.js';
import { refusalOf, requestControl } from './steer-request.js';
import { isAlive } from '../process/alive.js';

const ANSWER_TIMEOUT_MS = 10_000;
const POLL_MS = 25;
/** Its socket goes a moment before the process, whose id may be of another pid namespace, or a zombie's: no need to wait longer. */
const EXIT_MS = 2000;

/**
 * @returns 0 if it has gone, 1 if it takes longer than `timeoutMs`
 * @throws SteerError if there is no answer
 */
export async function runStop(line: SteerLine): Promise<number> {
  const endMs = performance.now() + line.timeoutMs;
  const found = await findXgi(line);
  const { socketPath, pid } = found;
  const socket = identify(socketPath);
  const answer = await requestControl(socketPath, {
    method: 'POST',
    url: '/stop',
    body: { quick: line.quick },
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
  if (answer.status !== 202) throw refusalOf(answer);
  if (line.json) process.stdout.write(answer.text);

  const gone = await poll(() => hasGone(socketPath, socket), endMs);
  if (!gone) {
    const waited = formatDuration(line.timeoutMs);
    process.stderr.write(
      `xgi: XGI_CONTROL_STOPPING: ${nameOf(found)} is still stopping after ${waited}; wait, or cut it short with xgi stop --quick\n`,
    );
    return 1;
  }
  if (pid !== undefined) await poll(() => !isAlive(pid), Math.min(endMs, performance.now() + EXIT_MS));
  if (!line.json) process.stdout.write(`xgi: ${nameOf(found)} has stopped\n`);
  return 0;
}

async function poll(condition: () => boolean | Promise<boolean>, endMs: number): Promise<boolean> {
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= endMs) return false;
    await delay(POLL_MS);
  }
}

/** A service manager may have started the next one at the same path. */
async function hasGone(socketPath: string, socket: string): Promise<boolean> {
  return identify(socketPath) !== socket || (await probeControlSocket(socketPath)) === 'dead';
}

/** '' if there is no such file. */
function identify(file: string): string {
  try {
    const { dev, ino, ctimeNs } = lstatSync(file, { bigint: true });
    return `${dev} ${ino} ${ctimeNs}`;
  } catch {
    return '';
  }
}
