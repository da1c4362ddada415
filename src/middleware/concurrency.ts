/** `concurrency`: so many requests are answered at a time; others wait, and get 503 if that is too long. */
import { whenOver } from '../bodies/when-over.js';
import { concurrencyOptions } from '../config/middleware/concurrency.js';
import { GatewayError } from '../errors.js';
import { Places } from '../places/places.js';
import { takePlace } from '../places/take-place.js';
import { defineMiddleware } from './define.js';

const QUEUE = 1000;
const WAIT_MS = 30_000;

/**
 * Has `max` requests answered at a time, until their last byte. By default 1,000 others wait, 30 s each; for further ones it throws GatewayError 503
 * `XGI_CONCURRENCY`.
 */
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
        `as many requests are being answered as max allows (${taken}), and as many wait as queue allows (${waiting})`,
      ),
    late: (waitedMs) =>
      new GatewayError(
        503,
        'XGI_CONCURRENCY',
        `it waited for ${waitedMs / 1000} s (wait), while as many were answered as max allows (${max})`,
      ),
    isOpen: () => true,
  });
  return (next) => async (request) => {
    const leave = await takePlace(places, request, clientGone);
    // An application may not notice, and never answer.
    request.onAbort(leave);
    try {
      const { head, body } = await next(request);
      return { head, body: whenOver(body, leave) };
    } catch (error) {
      leave();
      throw error;
    }
  };
});

function clientGone(): GatewayError {
  return new GatewayError(503, 'XGI_CONCURRENCY', 'the client has gone while it waited');
}
