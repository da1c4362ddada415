/**
 * Starts the workers of an application whose user is not the gateway's, through a process that root has started for that (docs/protocol.md,
 * "Spawner"). It is root no longer when it is ready, nor is the gateway, so there can be no other one: when it dies, xgi is to be started again.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../errors.js';
import { readInto } from '../io/read-into.js';
import type { Log, Need } from '../types.js';
import { FrameDecoder, type SpawnerReceiver } from '../wire/decoder.js';
import { FrameEncoder } from '../wire/encoder.js';
import {
  PROTOCOL_VERSION,
  type ReadyInfo,
  type SpawnerSettings,
  type WorkerFailure,
} from '../wire/frames.js';
import { Forks } from './forks.js';
import type { Sharing } from './meeting-folder.js';
import { flushTo } from './worker-channels.js';
import { logWorkerLine } from './worker-log.js';
import type {
  Invitation,
  Launcher,
  ProcessOwner,
  SendSignal,
  WorkerProcess,
  WorkerProgram,
} from './worker-process.js';

export interface WorkerSpawnerOptions {
  /** Runs the spawner, and is root for that: absolute, and such that only root can change it. */
  readonly python: string;
  readonly program: WorkerProgram;
  readonly user: SpawnerSettings['user'];
  readonly gatewayUid: number;
  readonly umask: number | null;
  /** What the user has to be able to do. */
  readonly needs: readonly Need[];
  /** What an error says for a need that is not met; `code` is that of the system. */
  readonly describeNeed: (what: string, code: string) => string;
  readonly log: Log;
  /** It has died. */
  readonly onLost: () => void;
}

/** Run by path. */
const SPAWNER_PROGRAM = fileURLToPath(new URL('../../python/xgi_spawner', import.meta.url));

const READY_MS = 20_000;
const EXIT_MS = 1000;
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

export class WorkerSpawner implements Launcher, SpawnerReceiver {
  readonly #options: WorkerSpawnerOptions;
  readonly #frames = new FrameEncoder();
  readonly #decoder = FrameDecoder.spawner(this);
  readonly #forks: Forks;
  #process: ChildProcess | undefined;
  #channel: Socket | undefined;
  #gone: Promise<void> = Promise.resolve();
  /** The end of `start`. */
  #started: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #isStopping = false;

  constructor(options: WorkerSpawnerOptions) {
    this.#options = options;
    this.#forks = new Forks({
      parent: 'spawner',
      signal: this.signal,
      ask: (id, start) => {
        this.#frames.fork(id, { ...start });
        this.#flush();
      },
      late: (afterMs) => this.#kill(`has not started a worker for ${afterMs / 1000} s`),
    });
  }

  /** With whom the workers' folder is shared. */
  get sharing(): Sharing {
    const { user, gatewayUid } = this.#options;
    return { gatewayUid, gid: user.gid };
  }

  /**
   * As root.
   *
   * @param folder of the workers, which they have to reach
   * @throws ConfigError `XGI_PRIVILEGES` if it cannot be the user, or the user cannot do what it has to
   */
  async start(folder: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#started = { resolve, reject };
        timer = setTimeout(() => this.#kill(`is not ready after ${READY_MS / 1000} s`), READY_MS);
        this.#spawn(folder);
      });
    } finally {
      this.#started = undefined;
      clearTimeout(timer);
    }
  }

  launch(invitation: Invitation, owner: ProcessOwner): WorkerProcess {
    return this.#forks.launch(invitation, owner);
  }

  readonly signal: SendSignal = (pid, signal) => {
    this.#frames.signal(pid, constants.signals[signal]);
    this.#flush();
  };

  /** Ends it; call it when the workers are gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#frames.drain();
    this.#flush();
    const kill = setTimeout(() => this.#process?.kill('SIGKILL'), EXIT_MS);
    await this.#gone;
    clearTimeout(kill);
  }

  #spawn(folder: string): void {
    // As the launcher of programs: neither PYTHON* variables nor site packages are its business.
    const child = spawn(this.#options.python, ['-I', '-S', '-B', SPAWNER_PROGRAM], {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    this.#process = child;
    this.#gone = new Promise((resolve) => {
      child.on('error', ({ message }) => {
        // With a process id it is a kill that was refused.
        if (child.pid !== undefined) return;
        this.#ended(message);
        resolve();
      });
      child.once('exit', (code, signal) => {
        this.#ended(signal ?? `status ${code}`);
        resolve();
      });
    });
    const pipe = child.stdio[3] as Socket | undefined;
    if (pipe === undefined) return;
    this.#channel = readInto(pipe, READ_BUFFER, (chunk, length) => this.#receive(chunk, length));
    // What cannot be written any more was for one that has gone, which its exit tells.
    this.#channel.on('error', () => {});
    this.#channel.on('end', () => this.#channel?.destroy());
    this.#frames.hello(this.#settings(folder));
    this.#flush();
  }

  #settings(folder: string): SpawnerSettings {
    const { program, user, gatewayUid, umask, needs } = this.#options;
    return {
      protocol: PROTOCOL_VERSION,
      user,
      gatewayUid,
      umask,
      argv: [program.python, program.program],
      cwd: program.cwd,
      // What is undefined is not in JSON.
      env: program.env as Record<string, string>,
      needs: [...needs, ['enter the folder for temporary files', folder, 1]],
    };
  }

  #receive(chunk: Buffer, length: number): void {
    try {
      this.#decoder.push(chunk.subarray(0, length));
    } catch (error) {
      this.#kill(`broke the frame protocol (${(error as Error).message})`);
    }
  }

  #flush(): void {
    if (this.#channel?.destroyed === false) flushTo(this.#channel, this.#frames);
  }

  #kill(why: string): void {
    this.#options.log.error(`XGI_WORKER_SPAWNER: the spawner ${this.#process?.pid} ${why} and is killed`);
    this.#channel?.destroy();
    this.#process?.kill('SIGKILL');
  }

  #ended(status: string): void {
    const { log, python, onLost } = this.#options;
    if (this.#started !== undefined) {
      this.#started.reject(
        new ConfigError(
          'XGI_PRIVILEGES',
          `what starts workers as another user does not start with ${python}: it ended: ${status}`,
        ),
      );
      return;
    }
    if (this.#isStopping) return;
    log.error(
      `XGI_WORKER_SPAWNER: the spawner of workers, ${this.#process?.pid}, ended (${status}); another would need root, which has been given up: xgi stops, to be started again`,
    );
    this.#forks.parentGone();
    onLost();
  }

  // --- its frames ---

  ready(info: ReadyInfo): void {
    this.#options.log.debug(`spawner ${info.pid} is ready`);
    this.#started?.resolve();
  }

  error(_stream: number, failure: WorkerFailure): void {
    const { describeNeed } = this.#options;
    this.#started?.reject(new ConfigError('XGI_PRIVILEGES', describeNeed(failure.message, failure.class)));
    this.#started = undefined;
    this.#isStopping = true;
  }

  log(_stream: number, level: number, text: string): void {
    logWorkerLine(this.#options.log, level, text, { pid: this.#process?.pid });
  }

  forked(id: number, pid: number | null, error: string | null): void {
    this.#forks.forked(id, pid, error);
  }

  exited(pid: number, code: number | null, signal: number | null): void {
    this.#forks.exited(pid, code, signal);
  }
}
