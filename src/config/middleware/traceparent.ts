import { flag, options } from '../values.js';

/** Options of the middleware `traceparent`. */
export const traceparentOptions = options({
  /** Begins a trace of its own, whatever the request says: at the border to strangers. Default false. */
  restart: flag(),
});
