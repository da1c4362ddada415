/**
 * What ends a run: a signal to stop, a word over the control socket, a successor, or an exception that nothing caught. A second one
 * ends the ending.
 */
import type { ProgramLog } from '../observe/program-log.js';
import { handleSignals, type SteeringSignal, type StopSignal } from '../process/signals.js';
import { describeUncaught } from './uncaught.js';

/**
 * The same signal within this time is the same key press: on Ctrl-C the terminal signals the whole group, and npm,
 * which is in it, passes the signal on as well.
 */
const SAME_SIGNAL_MS = 300;

/** `successor`: another process serves in our place. `lost`: the application cannot go on without being started again. */
export type Cause = StopSignal | 'exception' | 'successor' | 'lost';

export interface InterruptionOptions {
  readonly log: ProgramLog;
  /** Called for the signals that do not stop. */
  readonly steer: (signal: SteeringSignal) => void;
}

export class Interruption {
  /** Resolves with the first cause to stop. */
  readonly first: Promise<Cause>;
  /** Resolves when there is another one. */
  readonly second: Promise<void>;
  readonly #log: ProgramLog;
  #settleFirst: (cause: Cause) => void = () => {};
  #settleSecond: () => void = () => {};
  #cause: Cause | undefined;
  #beganAtMs = 0;

  /** Begins to watch this process, until it ends. */
  constructor({ log, steer }: InterruptionOptions) {
    this.#log = log;
    this.first = new Promise((resolve) => (this.#settleFirst = resolve));
    this.second = new Promise((resolve) => (this.#settleSecond = resolve));
    handleSignals({
      stop: (signal) => this.#onSignal(signal),
      steer: (signal) => {
        log.info(`Handling signal: ${nameOf(signal)}`);
        steer(signal);
      },
    });
    // A rejection that nothing handles comes here too.
    process.on('uncaughtException', (error) => {
      log.critical(describeUncaught(error, 'the gateway stops'), { err: error });
      this.interrupt('exception');
    });
  }

  get hasBegun(): boolean {
    return this.#cause !== undefined;
  }

  /** There is a cause to stop. */
  interrupt(cause: Cause): void {
    if (this.#cause !== undefined) {
      this.#settleSecond();
      return;
    }
    this.#cause = cause;
    this.#beganAtMs = performance.now();
    this.#settleFirst(cause);
  }

  #onSignal(signal: StopSignal): void {
    if (signal === this.#cause && performance.now() - this.#beganAtMs < SAME_SIGNAL_MS) return;
    this.#log.info(`Handling signal: ${nameOf(signal)}`);
    this.interrupt(signal);
  }
}

/** `SIGTERM` → `term`, as gunicorn writes it. */
function nameOf(signal: NodeJS.Signals): string {
  return signal.slice('SIG'.length).toLowerCase();
}
