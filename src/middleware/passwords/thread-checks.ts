/**
 * Checks of passwords that take milliseconds each, in a thread of their own: bcrypt has no other way than to compute, 50 ms and more at a time,
 * and the gateway has one event loop for all of its clients.
 *
 * There is one such thread, for all middleware: whoever sends wrong passwords gets one processor to compute, and no more.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../../errors.js';
import { Places, type PlaceSeeker } from '../../places/places.js';
import type { PasswordQuestion } from './password-thread.js';

const MAX_WAITING = 64;
const MAX_WAIT_MS = 10_000;
const IDLE_MS = 30_000;

/** As built: threads do not read TypeScript in every Node. */
const PROGRAM = fileURLToPath(
  new URL('../../../dist/middleware/passwords/password-thread.js', import.meta.url),
);

const places = new Places({
  places: 1,
  maxWaiting: MAX_WAITING,
  waitTimeoutMs: MAX_WAIT_MS,
  full: (_, waiting) => busy(`${waiting} passwords wait for their check already`),
  late: (waitedMs) => busy(`the password waited ${waitedMs / 1000} s for its check`),
  isOpen: () => true,
});

let thread: PasswordThread | undefined;

/** @throws GatewayError 503 `XGI_AUTH_BUSY` if too many wait, or for too long */
export async function fitsHashInThread(password: string, hash: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const seeker: PlaceSeeker = {
      refused: reject,
      placed: () => {
        thread ??= new PasswordThread(() => (thread = undefined));
        void thread
          .ask({ password, hash })
          .then(resolve, reject)
          .finally(() => places.leave(seeker));
      },
    };
    places.seek(seeker);
  });
}

/** Ends when nobody has asked for a while, and does not keep the process alive. */
class PasswordThread {
  readonly #worker = new Worker(PROGRAM);
  readonly #idle: NodeJS.Timeout;
  #answered: ((fits: boolean) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  /** @param ended it cannot be asked any more */
  constructor(ended: () => void) {
    this.#worker.unref();
    this.#worker.on('message', (fits: boolean) => this.#answered?.(fits));
    this.#worker.on('error', (error) => this.#failed?.(error));
    this.#worker.on('exit', () => {
      ended();
      this.#failed?.(new Error('the thread that checks passwords has ended'));
    });
    this.#idle = setTimeout(() => {
      ended();
      void this.#worker.terminate();
    }, IDLE_MS).unref();
  }

  /** One question at a time. */
  async ask(question: PasswordQuestion): Promise<boolean> {
    this.#idle.refresh();
    return await new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#worker.postMessage(question);
    });
  }
}

function busy(observed: string): GatewayError {
  return new GatewayError(503, 'XGI_AUTH_BUSY', observed);
}
