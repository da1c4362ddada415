/** AUTH_TYPE and REMOTE_USER (RFC 3875 sections 4.1.1 and 4.1.11). */
import type { Identity } from '../types.js';
import { checkValue } from './variable-value.js';

/**
 * `name NUL value NUL` for both.
 *
 * @throws LocalProtocolError `XGI_GATEWAY_BAD_VARIABLE` for a user name that is not byte text, or has a NUL
 */
export function identityVariables({ scheme, user }: Identity): string {
  checkValue('AUTH_TYPE', scheme);
  checkValue('REMOTE_USER', user);
  return `AUTH_TYPE\0${scheme}\0REMOTE_USER\0${user}\0`;
}
