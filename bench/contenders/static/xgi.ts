/** This project's own server, as a user starts it for a folder of files. */
import { serverOfTree, startProgram, type RunningServer } from '../contender.js';
import { isXgiGateway, xgiMissing, xgiProgram, xgiTlsFlags, xgiVersion } from '../xgi.js';
import type { StaticContender, StaticStartRequest } from './static-contender.js';

export const xgiStatic: StaticContender = {
  name: 'xgi',
  version: xgiVersion,
  settings: () => 'by default: 1 gateway process',
  missing: xgiMissing,
  start: (request) => startXgiStatic(request, []),
};

export const xgiStaticGateways: StaticContender = {
  ...xgiStatic,
  name: 'xgi-gateways',
  settings: (workers) => `--gateways ${workers}`,
  start: (request) => startXgiStatic(request, ['--gateways', String(request.workers)]),
};

async function startXgiStatic(
  { target, port, keepAliveSeconds, certificate, environment }: StaticStartRequest,
  flags: readonly string[],
): Promise<RunningServer> {
  const args = [
    xgiProgram,
    'static',
    target.root,
    ...['-b', `127.0.0.1:${port}`],
    ...['--keep-alive', String(keepAliveSeconds)],
    ...['--log-level', 'warning'],
    ...xgiTlsFlags(certificate),
    ...flags,
    '--allow-root',
  ];
  const root = await startProgram(process.execPath, args, {
    cwd: environment.scratchDirectory,
    accepts: { port },
  });
  return serverOfTree(root, port, isXgiGateway);
}
