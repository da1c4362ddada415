/**
 * Tells systemd what the service does: sd_notify(3), for units with `Type=notify` or `WatchdogSec=`.
 *
 * Messages are datagrams on a Unix socket, which Node does not have: a small Python program (notify-program.ts) sends them.
 * So they come from another process than the unit's main one, and the unit needs `NotifyAccess=all`.
 *
 * One message is under way at a time. Others wait here, where a newer status takes the place of an older one and a sign
 * of life is not repeated, so that a service manager that reads nothing costs a few strings. Whatever goes wrong is one
 * warning, and the service goes on.
 */
import type { Log } from '../types.js';
import { cleanEnvironment } from './environment.js';
import { NotifyProgram } from './notify-program.js';
import { formatReceived } from '../errors/received.js';

type Environment = Record<string, string | undefined>;

/** Variables of a message, in this order. */
type Message = Readonly<Record<string, string>>;

interface NotifierOptions {
  readonly address: string;
  /** The time without a sign of life after which we are killed; null for no such time. */
  readonly watchdogMs: number | null;
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** Longer than the program waits for the service manager at its end; an interpreter may have to start before. */
const CLOSE_MS = 3000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** systemd ignores messages of more than 4096 bytes. A character takes up to three. */
const LONGEST_STATUS = 1000;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #watchdog: NodeJS.Timeout | undefined;
  /** The first is the one that is under way. */
  readonly #queue: Message[] = [];
  #program: NotifyProgram | undefined;
  #isUnderWay = false;
  #retryMs = FIRST_RETRY_MS;
  #hasWarned = false;
  #isSilent = false;
  #drained = (): void => {};

  /**
   * Takes the variables of the service manager (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID) out of `env`, so that no program
   * started by us speaks to it. Begins with the watchdog's signs of life.
   *
   * The program is started, as the user of that moment, with the first message; not here.
   *
   * @param python the interpreter, 3.8 or later; undefined if there is none
   * @returns undefined if nobody wants to be told; or in a way that is not understood, or without an interpreter, which is a warning
   */
  static open(env: Environment, python: string | undefined, log: Log): Notifier | undefined {
    const { NOTIFY_SOCKET: address, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    if (address === undefined || address === '') return undefined;
    if (!/^[/@]./s.test(address)) {
      log.warn(
        `XGI_NOTIFY: the variable NOTIFY_SOCKET: expected a path or @NAME, received ${formatReceived(address)}; the service manager is told nothing`,
      );
      return undefined;
    }
    if (python === undefined) {
      log.warn(
        'XGI_NOTIFY: the service manager is told nothing, because that takes a Python, and there is none',
      );
      return undefined;
    }
    const watchdogMs = pid === undefined || pid === String(process.pid) ? readUsec(usec) : null;
    return new Notifier({ address, watchdogMs, python, env: cleanEnvironment(env), log });
  }

  private constructor(options: NotifierOptions) {
    this.#options = options;
    if (options.watchdogMs === null) return;
    // Half of the time, as sd_watchdog_enabled(3) recommends, and by a timer of this loop: if the loop hangs, so does the
    // gateway.
    const intervalMs = Math.min(Math.max(options.watchdogMs / 2, 1), LONGEST_TIMER_MS);
    this.#watchdog = setInterval(() => this.#keepAlive(), intervalMs).unref();
  }

  /** What a successor of this process needs in its environment, to speak to the service manager in its place (USR2). */
  get successorEnv(): Record<string, string> {
    const { address, watchdogMs } = this.#options;
    const watchdog = watchdogMs === null ? {} : { WATCHDOG_USEC: String(Math.round(watchdogMs * 1000)) };
    return { NOTIFY_SOCKET: address, ...watchdog };
  }

  /** The service has started; or a reload is over, whatever became of it. */
  ready(status: string): void {
    this.#tell({ READY: '1', STATUS: lineOf(status) });
  }

  /** A reload begins. {@link ready} has to follow. */
  reloading(status = 'Reloading'): void {
    // The program adds MONOTONIC_USEC.
    this.#tell({ RELOADING: '1', STATUS: lineOf(status) });
  }

  /** The service ends. Not for a process that has a successor: to the service manager all of the service stops. */
  stopping(status = 'Stopping'): void {
    this.#tell({ STOPPING: '1', STATUS: lineOf(status) });
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    this.#tell({ STATUS: lineOf(text) });
  }

  /**
   * Another process is the service's main one from now on. This one says nothing more, as the service manager would take
   * it for the service's word; it is to {@link close} before it ends.
   *
   * That process must not be a child of this one, but of the service manager, as an orphan is: systemd looks once, now, and
   * never waits for the end of what is not its child. It would kill that process at the next stop before it could drain.
   */
  mainPid(pid: number): void {
    this.#tell({ MAINPID: String(pid) });
    this.#fallSilent();
  }

  /**
   * Resolves when the service manager has read all messages, or after a few seconds at most. Says nothing from then on.
   * Never rejects.
   */
  async close(): Promise<void> {
    this.#fallSilent();
    const endMs = performance.now() + CLOSE_MS;
    // Without the program they are lost: nobody waits for its next start to end.
    if (this.#queue.length > 0 && this.#program !== undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        this.#drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#queue.length = 0;
    await this.#program?.end(Math.max(endMs - performance.now(), 0));
  }

  #keepAlive(): void {
    if (!this.#queue.some((message) => 'WATCHDOG' in message)) this.#tell({ WATCHDOG: '1' });
  }

  #fallSilent(): void {
    clearInterval(this.#watchdog);
    this.#isSilent = true;
  }

  #tell(message: Message): void {
    if (this.#isSilent) return;
    const isBehindStatus = this.#queue.length > (this.#isUnderWay ? 1 : 0) && isStatus(this.#queue.at(-1)!);
    if (isBehindStatus && isStatus(message)) this.#queue.pop();
    this.#queue.push(message);
    this.#sendNext();
  }

  #sendNext(): void {
    const [message] = this.#queue;
    if (message === undefined) this.#drained();
    if (message === undefined || this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      this.#program ??= this.#start();
      this.#program.send(message);
    } catch (error) {
      this.#onLost((error as Error).message);
    }
  }

  #start(): NotifyProgram {
    return new NotifyProgram({
      ...this.#options,
      answered: (problem) => this.#onAnswer(problem),
      lost: (how) => this.#onLost(how),
    });
  }

  #onAnswer(problem: string): void {
    this.#retryMs = FIRST_RETRY_MS;
    if (problem !== '') this.#warn(problem);
    this.#queue.shift();
    this.#isUnderWay = false;
    this.#sendNext();
  }

  /** Without another program the watchdog would see no sign of life, and end a service that is well. */
  #onLost(how: string): void {
    this.#warn(how);
    this.#program = undefined;
    this.#drained();
    // Its message stays the first, and under way until then.
    setTimeout(() => {
      this.#isUnderWay = false;
      this.#sendNext();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  #warn(problem: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.log.warn(
      `XGI_NOTIFY: the service manager at ${this.#options.address} cannot be told how the service is: ${problem}`,
    );
  }
}

/** undefined, 0 or no number: there is no watchdog. */
function readUsec(text: string | undefined): number | null {
  return text !== undefined && /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) / 1000 : null;
}

function isStatus(message: Message): boolean {
  return Object.keys(message).join() === 'STATUS';
}

/** A line end would begin another variable. */
function lineOf(text: string): string {
  return text.replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, LONGEST_STATUS);
}
