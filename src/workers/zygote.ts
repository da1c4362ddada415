/**
 * The process that has loaded the application once, and forks workers from it (docs/protocol.md, "Zygote").
 *
 * Life: spawned ─ connected ─ READY ─ forks ─ gone. It tells how its children end, as their parent. When it dies, they live on;
 * their end is then seen by looking.
 */
import type { Socket } from 'node:net';
import { FrameError } from '../errors.js';
import type { Log } from '../types.js';
import type { FrameReceiver } from '../wire/decoder.js';
import { FrameEncoder } from '../wire/encoder.js';
import type { HelloSettings, ReadyInfo, WorkerFailure } from '../wire/frames.js';
import { Forks } from './forks.js';
import { flushTo } from './worker-channels.js';
import { logWorkerLine } from './worker-log.js';
import type { Expected, Rendezvous } from './rendezvous.js';
import type { Invitation, Launcher, ProcessOwner, SendSignal, WorkerProcess } from './worker-process.js';
import { WorkerStderr, type PassOn } from './worker-stderr.js';

export interface ZygoteOptions {
  /** Starts the zygote itself. */
  readonly launcher: Launcher;
  readonly settings: HelloSettings;
  readonly rendezvous: Rendezvous;
  readonly log: Log;
  readonly passOn: PassOn;
}

/** Who hears of the zygote. */
export interface ZygoteOwner {
  /** The application is loaded: it can fork. */
  zygoteReady(zygote: Zygote, info: ReadyInfo): void;
  /** The application could not be loaded; the process ends by itself. */
  zygoteFailed(zygote: Zygote, failure: WorkerFailure): void;
  /** Files that the application has imported. */
  files(paths: readonly string[]): void;
  /** It is no more; `status` tells how the process ended. */
  zygoteGone(zygote: Zygote, status: string): void;
}

export class Zygote
  implements Launcher, Expected, Required<Pick<FrameReceiver, 'files' | 'forked' | 'exited'>>
{
  readonly channels = ['Z'] as const;
  readonly startedAtMs: number = performance.now();
  readonly signal: SendSignal;
  readonly #options: ZygoteOptions;
  readonly #owner: ZygoteOwner;
  readonly #stderr: WorkerStderr;
  readonly #token: string;
  readonly #process: WorkerProcess;
  readonly #frames = new FrameEncoder();
  readonly #forks: Forks;
  #socket: Socket | undefined;
  #ready = false;
  #gone = false;

  /** Starts the process. @throws the system's error if that cannot even be tried */
  constructor(options: ZygoteOptions, owner: ZygoteOwner) {
    this.#options = options;
    this.#owner = owner;
    const { rendezvous, launcher } = options;
    this.signal = launcher.signal;
    this.#forks = new Forks({
      parent: 'zygote',
      signal: this.signal,
      ask: (id, start) => {
        this.#frames.fork(id, { ...start });
        this.#flush();
      },
      late: (afterMs) => this.#late(afterMs),
    });
    this.#stderr = new WorkerStderr(rendezvous.folder, options.passOn);
    this.#token = rendezvous.expect(this);
    const invitation: Invitation = {
      socket: rendezvous.socketPath,
      token: this.#token,
      stderr: this.#stderr.path,
      role: 'zygote',
    };
    this.#process = launcher.launch(invitation, { started: () => {}, exited: () => this.#settle() });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** It has loaded the application. */
  get isReady(): boolean {
    return this.#ready && !this.#gone;
  }

  /** What it wrote last to its standard error. */
  get lastWords(): string {
    return this.#stderr.readLast();
  }

  launch(invitation: Invitation, owner: ProcessOwner): WorkerProcess {
    return this.#forks.launch(invitation, owner);
  }

  /** One that does not fork is of no use: another takes its place. */
  #late(afterMs: number): void {
    if (this.#gone) return;
    this.#options.log.error(
      `XGI_ZYGOTE_EXIT: the zygote ${this.pid} has not forked for ${afterMs / 1000} s and is killed`,
    );
    this.kill();
  }

  /** Ends it at once; its workers stay. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  // --- its channel ---

  get receiver(): FrameReceiver {
    return this as unknown as FrameReceiver;
  }

  connected(_channel: 'Z', socket: Socket): void {
    this.#socket = socket;
    this.#options.rendezvous.forget(this.#token);
    this.#stderr.open();
    this.#frames.hello(this.#options.settings);
    this.#flush();
  }

  broken(error: Error): void {
    this.#options.log.error(
      `XGI_WIRE_PROTOCOL: the zygote ${this.pid} broke the frame protocol: ${error.message}`,
    );
    this.#socket?.destroy();
    this.kill();
  }

  ended(): void {
    this.#socket = undefined;
    // Without its channel it is of no use.
    this.kill();
    this.#settle();
  }

  #flush(): void {
    if (this.#socket !== undefined) flushTo(this.#socket, this.#frames);
  }

  #settle(): void {
    const { exit } = this.#process;
    if (exit === undefined || this.#socket !== undefined || this.#gone) return;
    this.#gone = true;
    this.#options.rendezvous.forget(this.#token);
    this.#forks.parentGone();
    this.#owner.zygoteGone(this, exit);
    this.#stderr.release();
  }

  // --- its frames ---

  ready(info: ReadyInfo): void {
    if (this.#ready) throw new FrameError('READY: a second one');
    this.#ready = true;
    this.#owner.zygoteReady(this, info);
  }

  error(stream: number, failure: WorkerFailure): void {
    if (stream !== 0 || this.#ready) throw new FrameError('ERROR: not the answer to HELLO');
    this.#owner.zygoteFailed(this, failure);
  }

  log(_stream: number, level: number, text: string): void {
    logWorkerLine(this.#options.log, level, text, { pid: this.pid });
  }

  files(paths: readonly string[]): void {
    this.#owner.files(paths);
  }

  forked(id: number, pid: number | null, error: string | null): void {
    this.#forks.forked(id, pid, error);
  }

  exited(pid: number, code: number | null, signal: number | null): void {
    this.#forks.exited(pid, code, signal);
  }
}
