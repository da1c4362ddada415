import { z } from 'zod/v3';
import { flag } from '../values.js';

/** Options of the middleware `traceparent`. */
export const traceparentOptions = z.strictObject({
  /** Begins a trace of its own, whatever the request says: at the border to strangers. Default false. */
  restart: flag(),
});
