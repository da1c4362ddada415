/** What middleware tells an application, as variables of its environ. */
import { LocalProtocolError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import type { Fields } from '../types.js';
import { checkValue } from './variable-value.js';

/** With `=` or NUL in it, a name would set another variable. */
const NAME = /^[^=\0\u0100-\uffff]+$/;

/**
 * What xgi says itself, also by leaving it out: without a body there is no CONTENT_LENGTH, without authentication no REMOTE_USER. HTTP_PROXY is taken for a
 * setting by programs (httpoxy). What it always says wins by coming later.
 */
const RESERVED =
  /^(?:CONTENT_LENGTH|SCRIPT_NAME|AUTH_TYPE|REMOTE_USER|HTTPS|PATH_TRANSLATED|REDIRECT_URL|REDIRECT_QUERY_STRING|HTTP_PROXY|SSL_CLIENT_.*|wsgi\..*)$/;

/** Whether a variable is xgi's own: middleware cannot set it. */
export function isReserved(name: string): boolean {
  return RESERVED.test(name);
}

/**
 * `name NUL value NUL` for each but those that are xgi's own.
 *
 * @throws LocalProtocolError `XGI_GATEWAY_BAD_VARIABLE` for a name or a value that no environment can hold
 */
export function extraVariables(variables: Fields): string {
  let text = '';
  for (let i = 0; i < variables.length; i += 2) {
    const name = variables[i]!;
    const value = variables[i + 1] ?? '';
    if (!NAME.test(name))
      throw new LocalProtocolError(
        'XGI_GATEWAY_BAD_VARIABLE',
        `a middleware sets a variable that cannot be given to a program: expected a name without = and NUL; received ${formatReceived(name)}`,
      );
    checkValue(name, value);
    if (isReserved(name)) continue;
    text += `${name}\0${value}\0`;
  }
  return text;
}
