/** Certificates made by openssl, each time anew: an authority of the test's own, and what it signs. */
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeTempDir } from './temp-dir.js';

/** Absolute paths. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Of subjectAltName: `DNS:example.test`, `IP:127.0.0.1`. Default: localhost and 127.0.0.1. */
  readonly names?: readonly string[];
  /** `/O=Example/CN=Ada`. Default: /CN= and the name. */
  readonly subject?: string;
  /** Valid for so many from now on; a negative number is over already. Default 2. */
  readonly days?: number;
}

export class Authority {
  readonly directory: string = makeTempDir();
  /** Its own certificate, for clients to trust. */
  readonly cert: string;
  readonly #key: string;

  constructor() {
    this.cert = this.#file('ca.crt');
    this.#key = this.#file('ca.key');
    openssl(['req', '-x509', ...NEW_KEY, '-keyout', this.#key, '-out', this.cert, '-subj', '/CN=Test CA']);
  }

  /** @param name of its files */
  issue(name: string, { names, subject, days = 2 }: CertificateOptions = {}): CertificatePair {
    const [cert, key, request] = [
      this.#file(`${name}.crt`),
      this.#file(`${name}.key`),
      this.#file(`${name}.csr`),
    ];
    const extensions = this.#file(`${name}.ext`);
    const all = names ?? ['DNS:localhost', 'IP:127.0.0.1'];
    writeFileSync(extensions, `basicConstraints=CA:FALSE\nsubjectAltName=${all.join(',')}\n`);
    openssl(['req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject ?? `/CN=${name}`]);
    const signer = ['-CA', this.cert, '-CAkey', this.#key, '-CAcreateserial'];
    const output = ['-out', cert, '-days', String(days), '-extfile', extensions];
    openssl(['x509', '-req', '-in', request, ...signer, ...output]);
    chmodSync(key, 0o600);
    return { cert, key };
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The flags of xgi. */
export function flagsOf(...pairs: readonly CertificatePair[]): string[] {
  return pairs.flatMap(({ cert, key }) => ['--certfile', cert, '--keyfile', key]);
}
