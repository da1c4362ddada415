/**
 * The hand-over from one xgi to the next, on SIGUSR2: the old one starts the new one from the installed files with its own command
 * line, environment and listening sockets, and goes on serving until that one serves too.
 *
 *     old: spawn ──▶ new: boots its workers, listens
 *     old: ◀── `xgi:serving`, its process id
 *     old: closes its control socket, removes its pid file ──▶ `xgi:released`
 *     old: stops as on SIGTERM           new: takes both
 *
 * If the new one ends before, the old one goes on. If the old one is told to stop before (`xgi:stop`), so is the new one; if it
 * dies, the new one serves. The messages are a contract between versions.
 */
import { spawn } from 'node:child_process';
import type { Endpoint } from '../types.js';
import { FIRST_SOCKET_FD, passedOn, type Inheritance } from './child-task.js';

const HANDOVER_VARIABLE = 'XGI_HANDOVER';
const SERVING = 'xgi:serving';
const RELEASED = { 'xgi:released': true };
const STOP = 'xgi:stop';
/** A predecessor that hangs does not keep us from our pid file. */
const RELEASE_MS = 5000;

/** What the successor has of its predecessor. */
export interface Predecessor {
  readonly pid: number;
  readonly inheritance: Inheritance;
  /** Resolves if it is told to stop before we serve: who stops it means the service. */
  readonly stopping: Promise<void>;
  /** We serve. Resolves when the pid file and the control socket are free. */
  replace(): Promise<void>;
}

/** @returns undefined if this process is nobody's successor */
export function takePredecessor(env: NodeJS.ProcessEnv): Predecessor | undefined {
  const text = env[HANDOVER_VARIABLE];
  delete env[HANDOVER_VARIABLE];
  if (text === undefined || process.send === undefined) return undefined;
  const { endpoints, pid } = JSON.parse(text) as { endpoints: readonly Endpoint[]; pid: number };
  const fds = endpoints.map((_, index) => FIRST_SOCKET_FD + index);
  const stopping = new Promise<void>((resolve) => {
    process.on('message', (message) => {
      if (STOP in (message as object)) resolve();
    });
  });
  return { pid, inheritance: { fds, endpoints }, stopping, replace };
}

async function replace(): Promise<void> {
  // It has died.
  if (!process.connected) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, RELEASE_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    process.once('message', done);
    process.once('disconnect', done);
    // A failure is a disconnection, which is heard of anyway.
    process.send!({ [SERVING]: process.pid }, () => {});
  });
  if (process.connected) process.disconnect();
}

export interface SuccessorOptions {
  readonly inheritance: Inheritance;
  /** The environment that the user has started this process with, and what the service manager has given. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  /** This process is told to stop: so is the successor, as long as it does not serve. */
  readonly signal: AbortSignal;
}

/** One that serves. */
export interface Successor {
  readonly pid: number;
  /** The pid file and the control socket are free. */
  release(): void;
}

/** Leaves the process that it starts to whoever takes orphans. */
const START_ORPHAN = '"$@" &';

/**
 * Starts it. Resolves when it serves; it outlives this process.
 *
 * It is an orphan: systemd looks once whether a new main process is its own child, and waits at the next stop for no other.
 *
 * @throws Error if it ends before that; its own log tells why
 */
export async function startSuccessor({
  inheritance,
  env,
  cwd,
  signal,
}: SuccessorOptions): Promise<Successor> {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const channel = spawn('/bin/sh', ['-c', START_ORPHAN, 'sh', ...command], {
    cwd,
    env: {
      ...env,
      [HANDOVER_VARIABLE]: JSON.stringify({ pid: process.pid, endpoints: passedOn(inheritance) }),
    },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...inheritance.fds],
  });
  const stop = (): void => void channel.send({ [STOP]: true }, () => {});
  signal.addEventListener('abort', stop);
  const pid = await new Promise<number>((resolve, reject) => {
    channel.on('message', (message) => {
      const { [SERVING]: serving } = message as Record<string, unknown>;
      if (typeof serving === 'number') resolve(serving);
    });
    channel.on('error', reject);
    channel.on('disconnect', () => reject(new Error('it ended; its log tells why')));
  }).finally(() => signal.removeEventListener('abort', stop));
  return {
    pid,
    release: () => {
      // It may have died in the meantime.
      if (channel.connected) channel.send(RELEASED, () => channel.disconnect());
    },
  };
}
