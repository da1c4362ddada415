/**
 * A certificate with its key, as two files hold them: read, and checked for all that would make a handshake fail later.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError, type ErrorCode } from '../../errors.js';
import { readRegularFile } from '../../io/read-regular-file.js';

/** PEM, and absolute paths. */
export interface CertificateFiles {
  /** The server's own first, then those that lead to its authority. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** Plain data, to be passed on to other processes. */
export interface Certificate {
  /** PEM: the chain. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** DNS names, lower case, and addresses; from its subjectAltName. A name may begin with `*.`. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** The authorities of a whole system are a quarter of it. */
const MAX_BYTES = 2 ** 20;

/** Anybody on the machine. */
const READABLE_BY_OTHERS = 0o004;

/**
 * Reads and checks both files.
 *
 * @param warn is told of a key that others can read
 * @throws ConfigError `XGI_TLS_*`, which names the file and the fix
 */
export function readCertificate(
  { certFile, keyFile }: CertificateFiles,
  warn: (message: string) => void,
): Certificate {
  const cert = readPem(certFile);
  const key = readPem(keyFile);
  const certificate = parseCertificate(cert, certFile);
  if (!certificate.checkPrivateKey(parseKey(key, keyFile))) {
    throw refuse(
      'XGI_TLS_KEY_MISMATCH',
      `${keyFile} is not the key of the first certificate in ${certFile} (${describe(certificate)}): give the two that were made together, and in ${certFile} the certificate of the server first`,
    );
  }
  checkValidity(certificate, certFile);
  checkUsable({ cert, key, certFile });
  if ((statSync(keyFile).mode & READABLE_BY_OTHERS) !== 0)
    warn(`XGI_TLS_KEY_MODE: every user of this machine can read the key ${keyFile}: chmod o-r ${keyFile}`);
  return { cert, key, names: namesOf(certificate), expiresAtMs: Date.parse(certificate.validTo) };
}

/**
 * Reads the certificates of the authorities that clients' certificates come from.
 *
 * @throws ConfigError `XGI_TLS_*`
 */
export function readAuthorities(file: string): string {
  const pem = readPem(file);
  // OpenSSL takes those before a broken one, and says nothing: clients of the others would be turned away.
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^]*?(?=-----BEGIN |$)/g) ?? [pem];
  for (const [i, block] of blocks.entries())
    parseCertificate(block, blocks.length === 1 ? file : `${file}, certificate ${i + 1}`);
  return pem;
}

function readPem(file: string): string {
  try {
    return readRegularFile(file, MAX_BYTES).toString('latin1');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw refuse('XGI_TLS_FILE_MISSING', `${file}: there is no such file; check the path`);
    if (code === 'EACCES')
      throw refuse(
        'XGI_TLS_FILE_DENIED',
        `${file}: user ${process.geteuid?.()} may not read it: let that user, or one of its groups, read it and enter its folder`,
      );
    throw refuse('XGI_TLS_FILE_UNREADABLE', `${file}: ${message}`);
  }
}

function parseCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw refuse(
      'XGI_TLS_NO_CERTIFICATE',
      `${file}: expected a certificate in PEM form (-----BEGIN CERTIFICATE-----), received ${looks(pem)}`,
    );
  }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE' || pem.includes('ENCRYPTED')) {
      throw refuse(
        'XGI_TLS_KEY_ENCRYPTED',
        `${file}: the key is encrypted, and nobody can be asked for its passphrase: write it without one, to a file that only xgi can read: openssl pkey -in ${file} -out plain.key`,
      );
    }
    throw refuse(
      'XGI_TLS_NO_KEY',
      `${file}: expected a private key in PEM form (-----BEGIN PRIVATE KEY-----), received ${looks(pem)}`,
    );
  }
}

/** What a file holds that is not what was expected; never the content itself, which may be a key. */
function looks(pem: string): string {
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
  if (pem.trim() === '') return 'an empty file';
  return label === undefined ? 'something else' : `a broken or another one (${label})`;
}

function checkValidity(certificate: X509Certificate, file: string): void {
  const { validFrom, validTo } = certificate;
  const nowMs = Date.now();
  if (Date.parse(validTo) < nowMs) {
    throw refuse(
      'XGI_TLS_EXPIRED',
      `${file}: the certificate (${describe(certificate)}) has expired on ${validTo}: renew it`,
    );
  }
  if (Date.parse(validFrom) > nowMs) {
    throw refuse(
      'XGI_TLS_NOT_YET_VALID',
      `${file}: the certificate (${describe(certificate)}) is valid from ${validFrom} on: check the clock of this machine`,
    );
  }
}

/** OpenSSL's own rules: keys that are too short, digests that are too weak, a chain that cannot be read. */
function checkUsable({ cert, key, certFile }: { cert: string; key: string; certFile: string }): void {
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw refuse('XGI_TLS_REFUSED', `${certFile}: OpenSSL does not take it: ${(error as Error).message}`);
  }
}

function describe({ subject, subjectAltName }: X509Certificate): string {
  return (subjectAltName ?? subject ?? '').replaceAll('\n', ', ').slice(0, 200) || 'without a name';
}

/** Names that Node quotes hold characters that no name has. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return (subjectAltName ?? '')
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):([^"]+)$/.exec(entry)?.[1]?.toLowerCase())
    .filter((name) => name !== undefined);
}

function refuse(code: ErrorCode, message: string): ConfigError {
  return new ConfigError(code, message);
}
