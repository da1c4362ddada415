/** The options of the CGI commands. */
import { cgiPrograms, type CgiProgram } from './cgi-programs.js';
import { listed, named, wholeNumber, type CgiCommandLine, type CgiCommandName } from './command-line.js';
import { cgiContenders } from './contenders/cgi/catalog.js';
import type { CgiContender } from './contenders/cgi/cgi-contender.js';

export interface CgiOptions {
  /** As it was typed. */
  readonly commandLine: string;
  /** Each of the others is compared with each of these. */
  readonly baselines: readonly CgiContender[];
  readonly only: readonly CgiContender[];
  readonly programs: readonly CgiProgram[];
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly requestsPerSecond: number;
  readonly mebibytes: number;
  readonly workers: number;
  readonly jsonFile: string | undefined;
}

interface Defaults {
  readonly baseline: string;
  readonly only: string;
  readonly seconds: string;
  readonly quickSeconds: string;
}

const defaultsOf: Readonly<Record<CgiCommandName, Defaults>> = {
  cgi: {
    baseline: 'apache,lighttpd',
    only: cgiContenders.map(({ name }) => name).join(','),
    seconds: '3',
    quickSeconds: '1',
  },
  'cgi-delay': { baseline: '', only: 'xgi', seconds: '20', quickSeconds: '3' },
  'cgi-git': { baseline: 'apache', only: 'xgi', seconds: '1', quickSeconds: '1' },
};

/** @throws with a message for the user that names the flag, what was expected and what was received. */
export function resolveCgiOptions({ command, values, text }: CgiCommandLine): CgiOptions {
  const defaults = defaultsOf[command];
  const contendersNamed = (flag: string, names: string): CgiContender[] =>
    listed(names).map((name) => named(flag, cgiContenders, name));
  return {
    commandLine: text,
    baselines: contendersNamed('--baseline', values.baseline ?? defaults.baseline),
    only: contendersNamed('--only', values.only ?? defaults.only),
    programs: values.apps
      ? listed(values.apps).map((name) => named('--apps', cgiPrograms, name))
      : cgiPrograms,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '1' : '3')),
    seconds: wholeNumber(
      '--seconds',
      values.seconds ?? (values.quick ? defaults.quickSeconds : defaults.seconds),
    ),
    connections: listed(values.connections ?? '32').map((number) => wholeNumber('--connections', number)),
    requestsPerSecond: wholeNumber('--rate', values.rate ?? '500'),
    mebibytes: wholeNumber('--size', values.size ?? (values.quick ? '5' : '50')),
    workers: wholeNumber('--workers', values.workers),
    jsonFile: values.json,
  };
}
