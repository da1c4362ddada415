/** What requests are told that get no place for their program. */
import { GatewayError } from '../errors.js';
import type { PlacesOptions } from '../places/places.js';

export const PROGRAM_REFUSALS: Pick<PlacesOptions, 'full' | 'late'> = { full: busy, late: waitedTooLong };

function busy(running: number, waiting: number): GatewayError {
  return new GatewayError(
    503,
    'XGI_CGI_BUSY',
    `${running} programs run and ${waiting} requests wait already: raise --cgi-concurrency, or find out what takes so long (xgi status)`,
  );
}

function waitedTooLong(waitedMs: number): GatewayError {
  return new GatewayError(
    503,
    'XGI_CGI_QUEUE_TIMEOUT',
    `no place for another program was free for ${waitedMs / 1000} s (--queue-timeout): raise --cgi-concurrency, or find out what takes so long (xgi status)`,
  );
}
