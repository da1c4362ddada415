/** SSL_CLIENT_VERIFY and SSL_CLIENT_S_DN, under the names of Apache and nginx: who the client is by its certificate. */
import type { TlsSession } from '../types.js';
import { checkValue } from './variable-value.js';

/**
 * `name NUL value NUL` for each; '' if clients are not asked for a certificate.
 *
 * @throws LocalProtocolError `XGI_GATEWAY_BAD_VARIABLE` for a subject that is not byte text, or has a NUL
 */
export function certificateVariables({ clientCertificate }: TlsSession): string {
  if (clientCertificate === undefined) return '';
  if (clientCertificate.verify === 'NONE') return 'SSL_CLIENT_VERIFY\0NONE\0';
  checkValue('SSL_CLIENT_S_DN', clientCertificate.subject);
  return `SSL_CLIENT_VERIFY\0SUCCESS\0SSL_CLIENT_S_DN\0${clientCertificate.subject}\0`;
}
