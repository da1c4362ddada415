import { z } from 'zod/v3';
import { parseSize, SIZE_FORM } from '../units.js';
import { duration, option } from '../values.js';

/** Options of the middleware `limits`. */
export const limitsOptions = z.strictObject({
  /** A longer request body is a 413. The server's maxBodySize is the limit of all. */
  body: option(`${SIZE_FORM}; 0 for requests without a body`, parseSize),
  /** From the request to the head of its answer; then it is a 504, and the application is told that the client has gone. */
  time: duration(),
});
