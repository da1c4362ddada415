/** The options of the web server commands. */
import { listed, named, wholeNumber, type WebCommandLine, type WebCommandName } from './command-line.js';
import {
  appContenders,
  cacheContenders,
  compressionContenders,
  http2Contenders,
  routesContenders,
  staticContenders,
} from './contenders/static/catalog.js';
import { cachedPage, jsonAnswer } from './content-files.js';
import type { StaticContender } from './contenders/static/static-contender.js';
import { applicationText, oneKilobyte, staticFiles, type StaticFile } from './static-files.js';

export interface WebOptions {
  /** As it was typed. */
  readonly commandLine: string;
  /** Each of the others is compared with each of these. */
  readonly baselines: readonly StaticContender[];
  readonly only: readonly StaticContender[];
  readonly files: readonly StaticFile[];
  readonly rounds: number;
  readonly seconds: number;
  /** Undefined for what each file has. */
  readonly connections: readonly number[] | undefined;
  /** h2: at once on each connection. */
  readonly streams: number;
  readonly workers: number;
  readonly jsonFile: string | undefined;
}

interface Defaults {
  readonly contenders: readonly StaticContender[];
  readonly baseline: string;
  readonly only: string;
  readonly files: readonly StaticFile[];
  readonly rounds: string;
}

const defaultsOf: Readonly<Record<WebCommandName, Defaults>> = {
  static: {
    contenders: staticContenders,
    baseline: 'nginx,caddy,apache',
    only: 'xgi,xgi-gateways',
    files: staticFiles,
    rounds: '3',
  },
  h2: {
    contenders: http2Contenders,
    baseline: 'nginx',
    only: 'xgi,xgi-gateways',
    files: [oneKilobyte],
    rounds: '3',
  },
  // A difference of a tenth of a request's time takes more rounds than a ratio.
  routes: {
    contenders: routesContenders,
    baseline: 'one-route',
    only: 'thousand-routes',
    files: [oneKilobyte],
    rounds: '10',
  },
  app: {
    contenders: appContenders,
    baseline: 'hono-node,xgi-static',
    only: 'xgi-fetch,xgi-thread,xgi-wsgi-shape',
    files: [applicationText],
    rounds: '5',
  },
  compression: {
    contenders: compressionContenders,
    baseline: 'nginx-gzip',
    only: 'xgi-gzip,xgi-gzip-gateways',
    files: [jsonAnswer],
    rounds: '5',
  },
  cache: {
    contenders: cacheContenders,
    baseline: 'static-file',
    only: 'cached-cgi',
    files: [cachedPage],
    rounds: '5',
  },
};

/** @throws with a message for the user that names the flag, what was expected and what was received. */
export function resolveWebOptions({ command, values, text }: WebCommandLine): WebOptions {
  const defaults = defaultsOf[command];
  const contendersNamed = (flag: string, names: string): StaticContender[] =>
    listed(names).map((name) => named(flag, defaults.contenders, name));
  return {
    commandLine: text,
    baselines: contendersNamed('--baseline', values.baseline ?? defaults.baseline),
    only: contendersNamed('--only', values.only ?? defaults.only),
    files: values.apps
      ? listed(values.apps).map((name) =>
          named('--apps', [...new Set([...staticFiles, ...defaults.files])], name),
        )
      : defaults.files,
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '1' : defaults.rounds)),
    seconds: wholeNumber('--seconds', values.seconds ?? (values.quick ? '1' : '2')),
    connections:
      values.connections === undefined
        ? undefined
        : listed(values.connections).map((number) => wholeNumber('--connections', number)),
    streams: wholeNumber('--streams', values.streams ?? '10'),
    workers: wholeNumber('--workers', values.workers),
    jsonFile: values.json,
  };
}
