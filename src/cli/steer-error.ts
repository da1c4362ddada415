import { XgiError } from '../errors.js';

/** No answer from a running xgi: exit status 4. */
export class SteerError extends XgiError {}
