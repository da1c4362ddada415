import { duration, options, wholeNumber } from '../values.js';

/** Options of the middleware `concurrency`. */
export const concurrencyOptions = options({
  /** Requests that are answered at a time. */
  max: wholeNumber(1, 1_000_000).unwrap(),
  /** Requests that may wait for it; further ones get 503. Default 1,000. */
  queue: wholeNumber(0, 1_000_000),
  /** How long one may wait; 503 then. Default 30 s. */
  wait: duration('for no limit'),
});
