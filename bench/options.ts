/** The command line of `npm run bench`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { applications, type Application } from './applications.js';
import { contenderNamed, contenders } from './contenders/catalog.js';
import type { Contender } from './contenders/contender.js';
import { projectDirectory } from './environment/directories.js';

export const commandNames = ['wsgi', 'idle', 'large', 'slow-heads'] as const;
export type CommandName = (typeof commandNames)[number];

export interface Options {
  readonly command: CommandName;
  /** As it was typed. */
  readonly commandLine: string;
  readonly baseline: Contender;
  /** wsgi: those that are compared with the baseline; else those that are measured. */
  readonly only: readonly Contender[];
  readonly applications: readonly Application[];
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly mebibytes: number;
  readonly workers: number;
  readonly jsonFile: string | undefined;
  readonly venvDirectory: string;
  readonly interpreter: string;
}

export const usage = `usage: npm run bench -- COMMAND [flags]

commands
  wsgi         req/s, CPU, latency, errors and memory of each server against the baseline
  idle         idle keep-alive connections held: memory, and latency of new requests
  large        an upload, and a download to a slow client: growth of memory
  slow-heads   clients that send a head byte by byte: latency of a normal client

flags
  --only A,B            these contenders only (all for wsgi, else the baseline)
  --baseline NAME       what the others are compared with (xgi)
  --apps A,B            these applications only (all; wsgi)
  --connections N,M     wsgi: of the load (32,256); idle: held (10000); slow-heads: slow ones (1000)
  --rounds N            rounds of each pair (3; wsgi)
  --seconds S           wsgi: of each round (2); large: how long the client is slow (10);
                        slow-heads: of each measurement (5)
  --size MEBIBYTES      of each body (1024; large)
  --workers N           of each server (2)
  --quick               a fast look: 1 round of 1 second, a tenth of the connections and of the size
  --json FILE           raw results
  --venv DIR            virtual environment of the contenders (.test-env/bench-venv)
  --python PROGRAM      interpreter to make it from (/usr/bin/python3, else python3)
  --no-build            use what is built already

contenders: ${contenders.map(({ name }) => name).join(', ')}
applications: ${applications.map(({ name }) => name).join(', ')}
`;

interface Defaults {
  readonly connections: string;
  readonly seconds: string;
}

const defaultsOf: Readonly<Record<CommandName, Defaults>> = {
  wsgi: { connections: '32,256', seconds: '2' },
  idle: { connections: '10000', seconds: '2' },
  large: { connections: '1', seconds: '10' },
  'slow-heads': { connections: '1000', seconds: '5' },
};

const quickDefaultsOf: Readonly<Record<CommandName, Defaults>> = {
  wsgi: { connections: '32', seconds: '1' },
  idle: { connections: '1000', seconds: '1' },
  large: { connections: '1', seconds: '1' },
  'slow-heads': { connections: '100', seconds: '1' },
};

/** @throws with a message for the user that names the flag, what was expected and what was received. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      baseline: { type: 'string', default: 'xgi' },
      apps: { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      size: { type: 'string' },
      workers: { type: 'string', default: '2' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      venv: { type: 'string', default: join(projectDirectory, '.test-env/bench-venv') },
      python: { type: 'string', default: defaultInterpreter() },
      'no-build': { type: 'boolean', default: false },
    },
  });
  const command = commandNamed(positionals);
  const defaults = (values.quick ? quickDefaultsOf : defaultsOf)[command];
  const baseline = contenderNamed(values.baseline);
  return {
    command,
    commandLine: ['npm run bench --', ...args.filter((arg) => arg !== '--no-build')].join(' '),
    baseline,
    only: values.only
      ? listed(values.only).map(contenderNamed)
      : command === 'wsgi'
        ? contenders
        : [baseline],
    applications: values.apps ? listed(values.apps).map(applicationNamed) : applications,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '1' : '3')),
    seconds: wholeNumber('--seconds', values.seconds ?? defaults.seconds),
    connections: listed(values.connections ?? defaults.connections).map((text) =>
      wholeNumber('--connections', text),
    ),
    mebibytes: wholeNumber('--size', values.size ?? (values.quick ? '100' : '1024')),
    workers: wholeNumber('--workers', values.workers),
    jsonFile: values.json,
    venvDirectory: values.venv,
    interpreter: values.python,
  };
}

/** Debian's own, since Debian's gunicorn and uWSGI run on it: all contenders then share one interpreter. */
function defaultInterpreter(): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
}

function commandNamed(positionals: readonly string[]): CommandName {
  const found = commandNames.find((name) => name === positionals[0]);
  if (found && positionals.length === 1) return found;
  throw new Error(
    `expected one command of ${commandNames.join(', ')}; received ${positionals.join(' ') || 'none'}`,
  );
}

function applicationNamed(name: string): Application {
  const found = applications.find((application) => application.name === name);
  if (found) return found;
  const names = applications.map((application) => application.name).join(', ');
  throw new Error(`--apps: expected some of ${names}; received ${JSON.stringify(name)}`);
}

function wholeNumber(flag: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${flag}: expected a whole number above 0; received ${JSON.stringify(text)}`);
}

function listed(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}
