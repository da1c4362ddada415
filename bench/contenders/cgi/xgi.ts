/** This project's own server, as a user starts it for CGI programs. */
import { isPython, type CgiProgram } from '../../cgi-programs.js';
import { parentPid, programName } from '../../processes/process-table.js';
import type { RunningServer } from '../contender.js';
import { xgiMissing, xgiProgram, xgiVersion } from '../xgi.js';
import { startCgiServer, type CgiContender, type CgiStartRequest } from './cgi-contender.js';

interface Variant {
  readonly name: string;
  readonly settings: string;
  readonly flags: readonly string[];
  differsFor(program: CgiProgram): boolean;
}

/** Above everything that is uploaded. */
const MAX_BODY_SIZE = '2gb';
const MODULES = 'json,urllib.parse,http.cookies,sqlite3';

export const xgiWarm = xgiContender({
  name: 'xgi',
  settings: 'Python scripts in a process forked from a warm interpreter',
  flags: [],
  differsFor: () => true,
});

export const xgiPreload = xgiContender({
  name: 'xgi-preload',
  settings: `as xgi, with --cgi-preload ${MODULES}`,
  flags: ['--cgi-preload', MODULES],
  differsFor: ({ modules }) => modules.length > 0,
});

export const xgiCold = xgiContender({
  name: 'xgi-cold',
  settings: '--no-cgi-warm: a new interpreter for each Python script',
  flags: ['--no-cgi-warm'],
  differsFor: isPython,
});

/** For uploads: programs read them while they arrive, as with other servers. */
export const xgiStreaming = xgiContender({
  name: 'xgi',
  settings: '--cgi-stream-body: a program reads a large body while it arrives',
  flags: ['--cgi-stream-body'],
  differsFor: () => true,
});

export const xgiCollected = xgiContender({
  name: 'xgi, collected',
  settings: 'by default: a program starts when its body is complete',
  flags: [],
  differsFor: () => true,
});

/** @param nodeFlags of Node.js itself, for a look into the gateway. */
export function startXgiCgi(
  { target, port, keepAliveSeconds, environment }: CgiStartRequest,
  { flags, nodeFlags }: { readonly flags: readonly string[]; readonly nodeFlags: readonly string[] },
): Promise<RunningServer> {
  const variables = Object.entries(target.environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const args = [
    ...nodeFlags,
    xgiProgram,
    'cgi',
    target.path,
    ...['-b', `127.0.0.1:${port}`],
    ...['--mount', target.mount],
    ...['--keep-alive', String(keepAliveSeconds)],
    ...['--max-body-size', MAX_BODY_SIZE],
    ...['--log-level', 'warning'],
    ...variables,
    ...flags,
    '--allow-root',
  ];
  return startCgiServer({
    program: process.execPath,
    args,
    port,
    cwd: environment.scratchDirectory,
    isQuiet: true,
    isOwn: isGatewayOrLauncher,
  });
}

function xgiContender({ name, settings, flags, differsFor }: Variant): CgiContender {
  return {
    name,
    version: xgiVersion,
    settings: () => settings,
    missing: xgiMissing,
    differsFor,
    start: (request) => startXgiCgi(request, { flags, nodeFlags: [] }),
  };
}

/** The launcher is the gateway's child; programs are the launcher's children. */
function isGatewayOrLauncher(pid: number): boolean {
  const node = programName(process.pid);
  return programName(pid) === node || programName(parentPid(pid)) === node;
}
