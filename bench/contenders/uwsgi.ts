/** uWSGI with its own HTTP parser on the socket, no router in front. */
import { appsDirectory } from '../environment/directories.js';
import type { Environment } from '../environment/environment.js';
import { firstLineOf } from '../environment/programs.js';
import type { UwsgiCommand } from '../environment/uwsgi-build.js';
import { serverOfTree, startProgram, type Contender, type StartRequest } from './contender.js';

const NO_DEBIAN = "Debian's packages uwsgi-core and uwsgi-plugin-python3 are not installed";

/** Built by pip for the interpreter of the others; Debian's where that is not possible. */
export const uwsgi = uwsgiContender('uwsgi', uwsgiCommand, uwsgiMissing);

/** Debian's beside the one of pip. */
export const uwsgiDebian = uwsgiContender(
  'uwsgi-debian',
  ({ uwsgi: { debian } }) => debian,
  ({ uwsgi: { built, debian } }) => {
    if (!debian) return NO_DEBIAN;
    return built ? undefined : "pip could not build uWSGI, so the contender uwsgi is Debian's already";
  },
);

export function uwsgiCommand({ uwsgi: { built, debian } }: Environment): UwsgiCommand | undefined {
  return built ?? debian;
}

export function uwsgiMissing(environment: Environment): string | undefined {
  return uwsgiCommand(environment) ? undefined : `pip could not build uWSGI, and ${NO_DEBIAN}`;
}

export function uwsgiVersion(command: UwsgiCommand | undefined): string {
  if (!command) return '';
  return `uWSGI ${firstLineOf(command.program, ['--version'])} (${command.origin})`;
}

/** Everything but the program and the socket. The queue is long enough for every connection of a load. */
export function uwsgiArguments({ target, workers, environment }: StartRequest): string[] {
  return [
    ...['--listen', '1024'],
    '--master',
    ...['--processes', String(workers)],
    ...['--virtualenv', environment.python.directory],
    ...['--chdir', appsDirectory],
    ...['--wsgi', target],
    '--need-app',
    '--disable-logging',
    '--die-on-term',
  ];
}

function uwsgiContender(
  name: string,
  commandIn: (environment: Environment) => UwsgiCommand | undefined,
  missing: Contender['missing'],
): Contender {
  return {
    name,
    version: (environment) => uwsgiVersion(commandIn(environment)),
    settings: (workers) => `--http11-socket, master, ${workers} processes`,
    missing,
    async start(request) {
      const { environment, port } = request;
      const { program = '', args = [] } = commandIn(environment) ?? {};
      const socket = ['--http11-socket', `127.0.0.1:${port}`];
      const root = await startProgram(program, [...args, ...socket, ...uwsgiArguments(request)], {
        cwd: environment.scratchDirectory,
        accepts: { port },
      });
      return serverOfTree(root, port);
    },
  };
}
