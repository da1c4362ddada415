/**
 * A certificate for development, in a private folder of the user: for localhost, its addresses, and the name of this machine. It is signed by
 * itself, so a client has to be told to trust it, once: it is kept, and made anew when it is about to expire.
 *
 * Made by `openssl`, because Node reads certificates and writes none.
 */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../errors.js';
import type { CertificateFiles } from '../server/tls/certificate.js';
import type { Log } from '../types.js';

/** Browsers take no longer one (825 days). */
const DAYS = 365;
const RENEW_BEFORE_MS = 7 * 86_400_000;
const MAKE_MS = 30_000;

/**
 * The files of the certificate; makes them if there are none, or none that are good any more.
 *
 * @throws ConfigError `XGI_TLS_LOCAL`
 */
export async function provideLocalCertificate(
  env: Readonly<NodeJS.ProcessEnv>,
  log: Log,
): Promise<CertificateFiles> {
  const folder = path.join(env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'xgi', 'tls-local');
  preparePrivateFolder(folder);
  const files = { certFile: path.join(folder, 'localhost.crt'), keyFile: path.join(folder, 'localhost.key') };
  const names = localNames();
  if (!isGood(files, names)) {
    await make(folder, files, names);
    log.info(`Made a certificate for development: ${files.certFile}`);
  }
  log.info(`Clients trust it if they are told to: curl --cacert ${files.certFile}`);
  return files;
}

/** Of subjectAltName. */
function localNames(): string[] {
  const host = hostname().toLowerCase();
  const names = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(host) && host !== 'localhost' ? [`DNS:${host}`] : [];
  return ['DNS:localhost', ...names, 'IP:127.0.0.1', 'IP:::1'];
}

/** Whoever could write into it could have us serve with a key that is known. */
function preparePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = lstatSync(folder);
    if (!stats.isDirectory() || stats.uid !== process.geteuid?.() || (stats.mode & 0o077) !== 0)
      throw new Error('it is not a folder that only this user can enter; remove it');
  } catch (error) {
    throw new ConfigError('XGI_TLS_LOCAL', `--tls-local: ${folder}: ${(error as Error).message}`);
  }
}

function isGood({ certFile, keyFile }: CertificateFiles, names: readonly string[]): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(certFile));
    chmodSync(keyFile, 0o600);
    const covers = names.every((name) => {
      const value = name.replace(/^(?:DNS|IP):/, '');
      return name.startsWith('IP:') ? certificate.checkIP(value) : certificate.checkHost(value);
    });
    return covers && Date.parse(certificate.validTo) - Date.now() > RENEW_BEFORE_MS;
  } catch {
    return false;
  }
}

/** At temporary names first: another xgi may be doing the same. */
async function make(folder: string, files: CertificateFiles, names: readonly string[]): Promise<void> {
  const temporary = (name: string): string => path.join(folder, `${process.pid}.${name}`);
  const [config, cert, key] = [temporary('cnf'), temporary('crt'), temporary('key')];
  try {
    writeFileSync(config, opensslConfig(names), { mode: 0o600 });
    // Before openssl writes it: nobody else is to open it in between.
    writeFileSync(key, '', { mode: 0o600 });
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const output = ['-keyout', key, '-out', cert, '-days', String(DAYS), '-config', config];
    await promisify(execFile)('openssl', ['req', '-x509', ...curve, ...output], { timeout: MAKE_MS });
    renameSync(key, files.keyFile);
    renameSync(cert, files.certFile);
  } catch (error) {
    throw new ConfigError('XGI_TLS_LOCAL', `--tls-local: ${whyNot(error as NodeJS.ErrnoException)}`);
  } finally {
    for (const file of [config, cert, key]) rmSync(file, { force: true });
  }
}

function whyNot(error: NodeJS.ErrnoException & { stderr?: string }): string {
  if (error.code === 'ENOENT' && error.syscall?.includes('openssl') === true)
    return 'there is no openssl on PATH, which makes the certificate: install it, or give --certfile and --keyfile';
  return `openssl cannot make a certificate: ${error.stderr?.trim() || error.message}`;
}

function opensslConfig(names: readonly string[]): string {
  return `[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = xgi development
[extensions]
subjectAltName = ${names.join(',')}
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
`;
}
