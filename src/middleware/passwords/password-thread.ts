/** The thread that checks passwords: one after the other, while the event loop of the gateway goes on. `thread-checks.ts` is its other end. */
import { parentPort } from 'node:worker_threads';
import { fitsHash } from './stored-hash.js';

export interface PasswordQuestion {
  readonly password: string;
  readonly hash: string;
}

parentPort!.on('message', ({ password, hash }: PasswordQuestion) => {
  parentPort!.postMessage(fitsHash(password, hash));
});
