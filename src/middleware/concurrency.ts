/** `concurrency`: so many requests are answered at a time; others wait, and get 503 if that is too long. */
import { whenOver } from '../bodies/when-over.js';
import { concurrencyOptions } from '../config/middleware/concurrency.js';
import { GatewayError } from '../errors.js';
import { Places, type PlaceSeeker } from '../programs/places.js';
import type { GatewayResponse } from '../types.js';
import { defineMiddleware } from './define.js';

const QUEUE = 1000;
const WAIT_MS = 30_000;

export const concurrency = defineMiddleware('concurrency', concurrencyOptions, (options) => {
  const { max, queue = QUEUE, wait = WAIT_MS } = options;
  const places = new Places({
    places: max,
    maxWaiting: queue,
    waitTimeoutMs: wait,
    full: (taken, waiting) =>
      new GatewayError(
        503,
        'XGI_CONCURRENCY',
        `${taken} requests are being answered, and ${waiting} wait already`,
      ),
    late: (waitedMs) =>
      new GatewayError(
        503,
        'XGI_CONCURRENCY',
        `${max} requests were being answered for ${waitedMs / 1000} s`,
      ),
    isOpen: () => true,
  });
  return (next) => (request) =>
    new Promise<GatewayResponse>((resolve, reject) => {
      let isWaiting = true;
      const seeker: PlaceSeeker = {
        refused: reject,
        placed: () => {
          isWaiting = false;
          // It may throw: then, as always, the place is given back.
          void Promise.resolve(request)
            .then(next)
            .then(({ head, body }) => resolve({ head, body: whenOver(body, leave) }))
            .catch((error: unknown) => {
              leave();
              reject(error as Error);
            });
        },
      };
      const leave = (): void => places.leave(seeker);
      request.onAbort(() => {
        // What is being answered ends when its answer does.
        if (!isWaiting) return;
        leave();
        reject(new GatewayError(503, 'XGI_CONCURRENCY', 'the client has gone while it waited'));
      });
      places.seek(seeker);
    });
});
