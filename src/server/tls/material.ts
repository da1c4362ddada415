/** All that a gateway needs to speak TLS, read from files. */
import { randomBytes } from 'node:crypto';
import { type Certificate, type CertificateFiles, readAuthorities, readCertificate } from './certificate.js';

/** Whether clients are asked for a certificate, and turned away without one. */
export type ClientCertificates = 'none' | 'request' | 'require';

export interface TlsFiles {
  /** At least one; the first is for clients that name none of the others. */
  readonly certificates: readonly CertificateFiles[];
  /** Whose certificates clients may have; null unless they are asked for one. */
  readonly caFile: string | null;
  readonly clientCertificates: ClientCertificates;
}

/** Plain data: gateways that are not root any more, or never were, are given it by the one that has read it. */
export interface TlsMaterial {
  readonly certificates: readonly Certificate[];
  /** PEM. */
  readonly authorities: string | null;
  readonly clientCertificates: ClientCertificates;
  /** What session tickets are encrypted with, base64: the same in all gateways, so that each can go on with a session of another. */
  readonly ticketKeys: string;
}

const TICKET_KEYS_BYTES = 48;

/**
 * Reads and checks all files.
 *
 * @param warn is told of what works and should not be so
 * @throws ConfigError `XGI_TLS_*` for the first that cannot be used
 */
export function readTlsMaterial(files: TlsFiles, warn: (message: string) => void): TlsMaterial {
  return {
    certificates: files.certificates.map((pair) => readCertificate(pair, warn)),
    authorities: files.caFile === null ? null : readAuthorities(files.caFile),
    clientCertificates: files.clientCertificates,
    ticketKeys: randomBytes(TICKET_KEYS_BYTES).toString('base64'),
  };
}

/** For the log: `example.org, *.example.org (until 2027-01-31)`. */
export function describeCertificates({ certificates }: TlsMaterial): string {
  return certificates
    .map(({ names, expiresAtMs }) => `${names.join(', ') || 'no name'} (until ${day(expiresAtMs)})`)
    .join('; ');
}

function day(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
