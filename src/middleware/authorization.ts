/** The field Authorization (RFC 9110 section 11.6.2), and what a request without good credentials is answered. */
import { GatewayError } from '../errors.js';
import { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayResponse } from '../types.js';

/** @returns undefined if there is none. @throws GatewayError 400 `XGI_AUTH_FIELD` for several: whose would count, another program may see otherwise */
export function authorizationOf(fields: Fields): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    if (value !== undefined)
      throw new GatewayError(400, 'XGI_AUTH_FIELD', 'the field Authorization is there more than once');
    value = fields[i + 1]!;
  }
  return value;
}

/** @param challenge a value of WWW-Authenticate */
export function refusal(status: number, text: string, challenge: string): GatewayResponse {
  return plain(status, text, ['WWW-Authenticate', challenge]);
}

export function tooManyAttempts(waitMs: number): GatewayResponse {
  const seconds = Math.ceil(waitMs / 1000);
  return plain(429, `Too many wrong attempts: try again in ${seconds} s.\n`, [
    'Retry-After',
    String(seconds),
  ]);
}

function plain(status: number, text: string, fields: Fields): GatewayResponse {
  const head = new ResponseHead(status, [
    ...fields,
    ...['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'],
  ]);
  return { head, body: { kind: 'bytes', bytes: text } };
}

/** A quoted-string (RFC 9110 section 5.6.4) of text in ASCII. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
