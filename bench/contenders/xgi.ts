/** This project's own server, as a user starts it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../environment/certificate.js';
import { programName } from '../processes/process-table.js';
import { appsDirectory, projectDirectory } from '../environment/directories.js';
import { serverOfTree, startProgram, type Contender } from './contender.js';

export const xgiProgram = join(projectDirectory, 'dist/cli/main.js');

/** Above the 1 GiB upload. */
const MAX_BODY_SIZE = '2gb';

export const xgi: Contender = {
  name: 'xgi',
  version: xgiVersion,
  settings: (workers) => `${workers} workers of one thread behind one gateway process`,
  missing: xgiMissing,
  async start({ target, workers, port, keepAliveSeconds, certificate, environment }) {
    const args = [
      xgiProgram,
      'wsgi',
      target,
      ...['-b', `127.0.0.1:${port}`],
      ...['-w', String(workers)],
      ...['--chdir', appsDirectory],
      ...['--python', environment.python.interpreter],
      ...['--keep-alive', String(keepAliveSeconds)],
      ...['--max-body-size', MAX_BODY_SIZE],
      ...['--log-level', 'warning'],
      ...xgiTlsFlags(certificate),
      '--allow-root',
    ];
    const root = await startProgram(process.execPath, args, {
      cwd: environment.scratchDirectory,
      accepts: { port },
    });
    return serverOfTree(root, port, isXgiGateway);
  },
};

export function isXgiGateway(pid: number): boolean {
  return programName(pid) === programName(process.pid);
}

export function xgiTlsFlags(certificate: Certificate | undefined): string[] {
  return certificate ? ['--certfile', certificate.certificatePath, '--keyfile', certificate.keyPath] : [];
}

export function xgiVersion(): string {
  const description: unknown = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8'));
  return `xgi ${(description as { version: string }).version}`;
}

export function xgiMissing(): string | undefined {
  return existsSync(xgiProgram) ? undefined : 'dist/cli/main.js is missing; run npm run build';
}
