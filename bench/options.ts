/** The options of the WSGI commands. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { applications, flask, hello, type Application } from './applications.js';
import { listed, named, wholeNumber, type WsgiCommandLine, type WsgiCommandName } from './command-line.js';
import { contenders, middlewareContenders, tlsContenders } from './contenders/catalog.js';
import { asUser } from './credentials.js';
import type { Contender } from './contenders/contender.js';
import { projectDirectory } from './environment/directories.js';

export interface Options {
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

interface Choice {
  readonly contenders: readonly Contender[];
  /** Beside the baseline, unless the command line says otherwise. */
  readonly others: readonly Contender[];
  readonly applications: readonly Application[];
}

const alone = { contenders, others: [], applications };

const choiceOf: Readonly<Record<WsgiCommandName, Choice>> = {
  wsgi: { contenders, others: contenders, applications },
  tls: { contenders: tlsContenders, others: tlsContenders, applications: [flask] },
  middleware: {
    contenders: middlewareContenders,
    others: middlewareContenders,
    applications: [asUser(hello)],
  },
  idle: alone,
  large: alone,
  'slow-heads': alone,
};

interface Defaults {
  readonly connections: string;
  readonly seconds: string;
}

const defaultsOf: Readonly<Record<WsgiCommandName, Defaults>> = {
  wsgi: { connections: '32,256', seconds: '2' },
  tls: { connections: '32', seconds: '2' },
  middleware: { connections: '32', seconds: '2' },
  idle: { connections: '10000', seconds: '2' },
  large: { connections: '1', seconds: '10' },
  'slow-heads': { connections: '1000', seconds: '5' },
};

const quickDefaultsOf: Readonly<Record<WsgiCommandName, Defaults>> = {
  wsgi: { connections: '32', seconds: '1' },
  tls: { connections: '32', seconds: '1' },
  middleware: { connections: '32', seconds: '1' },
  idle: { connections: '1000', seconds: '1' },
  large: { connections: '1', seconds: '1' },
  'slow-heads': { connections: '100', seconds: '1' },
};

/** @throws with a message for the user that names the flag, what was expected and what was received. */
export function resolveOptions({ command, values, text }: WsgiCommandLine): Options {
  const defaults = (values.quick ? quickDefaultsOf : defaultsOf)[command];
  const choice = choiceOf[command];
  const baseline = named('--baseline', choice.contenders, values.baseline ?? choice.contenders[0]!.name);
  return {
    commandLine: text,
    baseline,
    only: values.only
      ? listed(values.only).map((name) => named('--only', choice.contenders, name))
      : [baseline, ...choice.others],
    applications: values.apps
      ? listed(values.apps).map((name) => named('--apps', applications, name))
      : choice.applications,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '1' : '3')),
    seconds: wholeNumber('--seconds', values.seconds ?? defaults.seconds),
    connections: listed(values.connections ?? defaults.connections).map((number) =>
      wholeNumber('--connections', number),
    ),
    mebibytes: wholeNumber('--size', values.size ?? (values.quick ? '100' : '1024')),
    workers: wholeNumber('--workers', values.workers),
    jsonFile: values.json,
    venvDirectory: values.venv ?? join(projectDirectory, '.test-env/bench-venv'),
    interpreter: values.python ?? defaultInterpreter(),
  };
}

/** Debian's own, since Debian's gunicorn and uWSGI run on it: all contenders then share one interpreter. */
function defaultInterpreter(): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
}
