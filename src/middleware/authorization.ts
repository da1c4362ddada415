/** The field Authorization (RFC 9110 section 11.6.2), what a challenge says, and what a request without good credentials is answered. */
import { GatewayError } from '../errors.js';
import { valuesOf } from '../http/field-values.js';
import type { Fields, GatewayResponse } from '../types.js';
import { plainAnswer } from './answer.js';

/** What a challenge calls the protection space, unless the configuration does. */
export const DEFAULT_REALM = 'Restricted';

/** @returns undefined if there is none. @throws GatewayError 400 `XGI_AUTH_FIELD` for several: whose would count, another program may see otherwise */
export function authorizationOf(fields: Fields): string | undefined {
  const values = valuesOf(fields, 'authorization');
  if (values.length > 1)
    throw new GatewayError(400, 'XGI_AUTH_FIELD', 'the field Authorization is there more than once');
  return values[0];
}

/** @param challenge a value of WWW-Authenticate */
export function refusal(status: number, text: string, challenge: string): GatewayResponse {
  return plainAnswer(status, text, ['WWW-Authenticate', challenge]);
}

export function tooManyAttempts(waitMs: number): GatewayResponse {
  const seconds = Math.ceil(waitMs / 1000);
  return plainAnswer(429, `Too many wrong attempts: try again in ${seconds} s.\n`, [
    'Retry-After',
    String(seconds),
  ]);
}

/** A quoted-string (RFC 9110 section 5.6.4) of text in ASCII. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
