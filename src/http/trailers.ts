/** Trailer fields: what follows the content of a message (RFC 9110 section 6.5). */
import { LocalProtocolError, RemoteProtocolError } from '../errors.js';
import type { Fields, Trailers } from '../types.js';
import { HOP_BY_HOP } from './hop-by-hop.js';
import { ResponseHead } from './response-head.js';

/** Fields that frame, route, authenticate or describe the message come too late in a trailer (RFC 9110 section 6.5.1). */
const FORBIDDEN: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'pragma',
  'range',
  'set-cookie',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Of responses, what controls them has to be known before their content, too. */
const FORBIDDEN_IN_RESPONSES: ReadonlySet<string> = new Set([
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'strict-transport-security',
  'vary',
  'www-authenticate',
]);

/** Of a request. @throws RemoteProtocolError 400 for a name that must not be in a trailer */
export function checkTrailer(name: string): void {
  if (FORBIDDEN.has(name.toLowerCase())) {
    throw new RemoteProtocolError(400, 'XGI_HTTP_TRAILER', `the field ${name} must not be a trailer`);
  }
}

/**
 * Of a response, before its head is sent.
 *
 * @throws LocalProtocolError `XGI_HTTP_BAD_TRAILER` for a name that must not be in a trailer, or is none
 */
export function checkTrailerNames(names: readonly string[]): void {
  for (const name of names) {
    const lower = name.toLowerCase();
    if (FORBIDDEN.has(lower) || FORBIDDEN_IN_RESPONSES.has(lower)) refuse(`${name} must not be a trailer`);
  }
  checkFields(names.flatMap((name) => [name, '']));
}

/**
 * The fields, as they are to be sent.
 *
 * @throws LocalProtocolError `XGI_HTTP_BAD_TRAILER` for a field that was not announced, or cannot be put on the wire
 */
export function readTrailers({ names, fields }: Trailers): Fields {
  const given = fields();
  const announced = new Set(names.map((name) => name.toLowerCase()));
  for (let i = 0; i < given.length; i += 2) {
    if (!announced.has(given[i]!.toLowerCase())) refuse(`${given[i]} was not announced in names`);
  }
  checkFields(given);
  return given;
}

/** By the rules for fields of a head. */
function checkFields(fields: Fields): void {
  try {
    void new ResponseHead(200, fields);
  } catch (error) {
    refuse((error as Error).message);
  }
}

function refuse(observed: string): never {
  throw new LocalProtocolError('XGI_HTTP_BAD_TRAILER', `cannot send these trailer fields: ${observed}`);
}
