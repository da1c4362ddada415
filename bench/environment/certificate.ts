/** A certificate for the loopback interface, for one run. */
import { join } from 'node:path';
import { runs } from './programs.js';

/** Files in PEM form. */
export interface Certificate {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** ECDSA with P-256, signed by itself. @throws when openssl cannot make it. */
export function makeCertificate(directory: string): Certificate {
  const certificatePath = join(directory, 'certificate.pem');
  const keyPath = join(directory, 'key.pem');
  const made = runs('openssl', [
    ...['req', '-x509', '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', keyPath, '-out', certificatePath],
  ]);
  if (!made) throw new Error('openssl could not make a certificate; install the Debian package openssl');
  return { certificatePath, keyPath };
}
