/** The TLS of a configuration: what its files hold, whoever makes them. */
import { accessSync, constants } from 'node:fs';
import type { TlsConfig } from '../config/tls.js';
import { readTlsMaterial, type TlsMaterial } from '../server/tls/material.js';
import type { Log } from '../types.js';
import { provideLocalCertificate } from './local-certificate.js';

/**
 * Reads and checks all files, and makes the certificate for development if need be.
 *
 * @throws ConfigError `XGI_TLS_*`, which names the file and the fix
 */
export async function loadTls(config: TlsConfig, log: Log): Promise<TlsMaterial> {
  const { local, certificates, caFile, clientCertificates } = config;
  const files = local ? [await provideLocalCertificate(process.env, log)] : certificates;
  return readTlsMaterial({ certificates: files, caFile, clientCertificates }, (message) => log.warn(message));
}

/** Warns of files that only root could read, when it has been given up: they cannot be read again. */
export function warnOfReach({ certificates, caFile }: TlsConfig, log: Log): void {
  const files = certificates.flatMap(({ certFile, keyFile }) => [certFile, keyFile]);
  for (const file of new Set(caFile === null ? files : [...files, caFile])) {
    try {
      accessSync(file, constants.R_OK);
    } catch {
      log.warn(
        `XGI_TLS_REACH: user ${process.geteuid?.()} may not read ${file}, which root has read: a reload and SIGUSR2 will fail, and renewed certificates need a restart; let that user read it`,
      );
    }
  }
}
