/** The settings of TLS, read and checked; the files themselves are read when they are needed. */
import path from 'node:path';
import { ConfigError } from '../errors.js';
import type { Endpoint } from '../types.js';
import type { ParsedConfig, UserConfig } from './schema.js';

/** Paths are absolute. */
export interface TlsConfig {
  /** The first is for clients that name none of the others; none if {@link TlsConfig.local}. */
  readonly certificates: readonly { readonly certFile: string; readonly keyFile: string }[];
  /** A certificate of our own making, for development. */
  readonly local: boolean;
  readonly caFile: string | null;
  readonly clientCertificates: 'none' | 'request' | 'require';
  /** 0 means that browsers are told nothing. */
  readonly hstsSeconds: number;
}

export interface TlsContext {
  readonly directory: string;
  nameOf(key: keyof UserConfig): string;
}

/** Options that mean nothing without TLS. */
const OF_TLS = ['keyfile', 'caCerts', 'clientCerts', 'tlsRedirect', 'hsts'] as const;

/**
 * @returns null if there is to be no TLS
 * @throws ConfigError `XGI_CONFIG_USAGE` for options that do not go together
 */
export function resolveTls(
  parsed: ParsedConfig,
  endpoints: readonly Endpoint[],
  context: TlsContext,
): TlsConfig | null {
  const { certfile = [], tlsLocal = false, caCerts, clientCerts, hsts = 0 } = parsed;
  const { directory, nameOf } = context;
  if (certfile.length === 0 && !tlsLocal) {
    const lost = OF_TLS.find((key) => parsed[key] !== undefined);
    if (lost === undefined) return null;
    throw usage(
      `${nameOf(lost)} is for TLS: it needs ${nameOf('certfile')} FILE, or ${nameOf('tlsLocal')} for development`,
    );
  }
  checkLocal(parsed, context);
  if (endpoints.every(({ kind }) => kind === 'unix'))
    throw usage(
      `${nameOf(tlsLocal ? 'tlsLocal' : 'certfile')} is for TCP: there is no TLS on a Unix-domain socket; give ${nameOf('bind')} HOST:PORT too`,
    );
  const clientCertificates = clientCerts ?? 'none';
  if (clientCertificates !== 'none' && caCerts === undefined)
    throw usage(
      `${nameOf('clientCerts')} ${clientCertificates} needs ${nameOf('caCerts')} FILE, with the authorities whose certificates are accepted`,
    );
  if (clientCertificates === 'none' && caCerts !== undefined)
    throw usage(
      `${nameOf('caCerts')} changes nothing without ${nameOf('clientCerts')} request, or ${nameOf('clientCerts')} require`,
    );
  return {
    certificates: tlsLocal ? [] : resolvePairs(parsed, context),
    local: tlsLocal,
    caFile: caCerts === undefined ? null : path.resolve(directory, caCerts),
    clientCertificates,
    hstsSeconds: hsts,
  };
}

function checkLocal({ certfile = [], tlsLocal = false, hsts }: ParsedConfig, { nameOf }: TlsContext): void {
  if (!tlsLocal) return;
  if (certfile.length > 0)
    throw usage(`${nameOf('tlsLocal')} and ${nameOf('certfile')} exclude each other: leave one out`);
  // The browser would demand TLS of whatever is served on this machine, on any port.
  if (hsts !== undefined)
    throw usage(`${nameOf('hsts')} is not for localhost: leave it out with ${nameOf('tlsLocal')}`);
}

/** Without any key file, each certificate file holds its key too. */
function resolvePairs(
  { certfile = [], keyfile = certfile }: ParsedConfig,
  { directory, nameOf }: TlsContext,
): TlsConfig['certificates'] {
  if (keyfile.length !== certfile.length)
    throw usage(
      `${nameOf('keyfile')}: expected one for each certificate, in the same order, received ${keyfile.length} for ${certfile.length}`,
    );
  return certfile.map((file, index) => ({
    certFile: path.resolve(directory, file),
    keyFile: path.resolve(directory, keyfile[index]!),
  }));
}

function usage(message: string): ConfigError {
  return new ConfigError('XGI_CONFIG_USAGE', message);
}
