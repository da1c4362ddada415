/** TypeScript applications that answer with what a static file would be: on xgi, and a Hono application on its own adapter for Node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appsDirectory, projectDirectory } from '../../environment/directories.js';
import { serverOfTree, startProgram, type RunningServer } from '../contender.js';
import { isXgiGateway, xgiMissing, xgiProgram, xgiVersion } from '../xgi.js';
import type { StaticContender, StaticStartRequest } from './static-contender.js';
import { xgiStatic } from './xgi.js';

const directory = join(appsDirectory, 'typescript');

/** A file, for the measure. */
export const xgiFile: StaticContender = { ...xgiStatic, name: 'xgi-static' };

export const xgiFetch = xgiApplication('xgi-fetch', 'a Hono application, in the gateway', ['hono.mjs']);
export const xgiThread = xgiApplication('xgi-thread', 'the same, in one thread', ['hono.mjs', '-w', '1']);
export const xgiWsgiShape = xgiApplication('xgi-wsgi-shape', 'WSGI in TypeScript, in the gateway', [
  'wsgi.mjs',
]);

export const honoNode: StaticContender = {
  name: 'hono-node',
  version: () => versionOf('@hono/node-server'),
  settings: () => 'the same Hono application, one process',
  missing: () => undefined,
  async start({ port }) {
    const args = [join(directory, 'hono-node.mjs'), String(port)];
    const root = await startProgram(process.execPath, args, { cwd: directory, accepts: { port } });
    return serverOfTree(root, port);
  },
};

function versionOf(name: string): string {
  const text = readFileSync(join(projectDirectory, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function xgiApplication(name: string, settings: string, args: readonly string[]): StaticContender {
  return {
    name,
    version: xgiVersion,
    settings: () => settings,
    missing: xgiMissing,
    start: (request) => startApplication(request, args),
  };
}

async function startApplication(
  { port, keepAliveSeconds }: StaticStartRequest,
  application: readonly string[],
): Promise<RunningServer> {
  const args = [
    xgiProgram,
    'app',
    ...application,
    ...['-b', `127.0.0.1:${port}`],
    ...['--keep-alive', String(keepAliveSeconds)],
    ...['--log-level', 'warning'],
    '--allow-root',
  ];
  const root = await startProgram(process.execPath, args, { cwd: directory, accepts: { port } });
  return serverOfTree(root, port, isXgiGateway);
}
