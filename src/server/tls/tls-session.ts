/** What a handshake has told of the client. */
import type { TLSSocket } from 'node:tls';
import { toByteText } from '../../gateway/byte-text.js';
import type { ClientCertificate, TlsSession } from '../../types.js';
import type { ClientCertificates } from './material.js';

/**
 * @returns a reason in words if the client has a certificate that is none of an authority of ours, or none where it must have one
 */
export function sessionOf(socket: TLSSocket, wanted: ClientCertificates): TlsSession | string {
  if (wanted === 'none') return { clientCertificate: undefined };
  // Node says "authorized" of a resumed TLS 1.3 session of a client that never had one: the certificate itself has to be there.
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined)
    return wanted === 'require' ? 'no certificate was sent' : { clientCertificate: { verify: 'NONE' } };
  if (!socket.authorized)
    return `the certificate is not accepted: ${String(socket.authorizationError ?? 'not verified')}`;
  return { clientCertificate: verified(certificate.subject) };
}

/** Node gives one line for each part, escaped, the root first (RFC 4514 has it last). */
function verified(subject: string | undefined): ClientCertificate {
  const name = (subject ?? '').split('\n').toReversed().join(',');
  return { verify: 'SUCCESS', subject: toByteText(name) };
}
