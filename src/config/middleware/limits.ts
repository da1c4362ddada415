import { parseSize, SIZE_FORM } from '../units.js';
import { together } from '../issue.js';
import { duration, option, options } from '../values.js';

/** Options of the middleware `limits`. */
export const limitsOptions = options({
  /** A longer request body is a 413. The server's maxBodySize is the limit of all. */
  body: option(`${SIZE_FORM}; 0 for requests without a body`, parseSize),
  /** From the request to the head of its answer; then it is a 504, and the application is told that the client has gone. */
  time: duration(),
}).refine(({ body, time }) => body !== undefined || time !== undefined, together('body or time', 'neither'));
