/**
 * What a person may configure, and the bounds of each value.
 *
 * A value is text, as a shell gives it, or already of its type. Each option says in words what it expects, and
 * that sentence is the whole of its error message: nobody has to read a schema error.
 */
// The small one of the two interfaces that zod 4 has. The other loads 100 files at once, a language of messages each, of
// which none is used here: 30 ms of every start, and with few file descriptors (`ulimit -n 64`) no start at all.
import { z } from 'zod/v3';
import { middlewareSchema } from './middleware.js';
import { parseMount } from './mount.js';
import { routeSchema } from './route-schema.js';
import { parseSize, parseWorkerRange, SIZE_FORM, WORKER_RANGE_FORM } from './units.js';
import {
  duration,
  entries,
  flag,
  list,
  nonEmpty,
  octal,
  oneOf,
  option,
  string,
  WEEK_MS,
  wholeNumber,
} from './values.js';

function parseModules(text: string): readonly string[] | undefined {
  const names = text.split(',').map((name) => name.trim());
  return names.every((name) => /^[\p{L}_][\p{L}\p{Nd}_.]*$/u.test(name)) ? names : undefined;
}

const NAME = /^[^=\0]+$/;
const ENV_ENTRY = 'NAME=VALUE';
const INTERPRETER_ENTRY = '.ENDING=INTERPRETER, for example .pl=/usr/bin/perl';
const envName = string('the name of a variable').refine((name) => NAME.test(name), 'the name of a variable');
const envEntry = string(ENV_ENTRY).refine((entry) => /^[^=\0]+=[^\0]*$/.test(entry), ENV_ENTRY);
const interpreterEntry = string(INTERPRETER_ENTRY).refine(
  (entry) => /^\.[^=/\0]+=[^\0]+$/.test(entry),
  INTERPRETER_ENTRY,
);
const path = string('a path').refine((given) => given !== '' && !given.includes('\0'), 'a path');

const INDEX_NAME = 'the name of a file';
const FILE_PATH = 'a file below TARGET, for example /index.html';
const CACHE_CONTROL_ENTRY = "PATTERN=VALUE, for example '/assets/=public, max-age=31536000, immutable'";
const ERROR_PAGE_ENTRY = 'STATUS=FILE, for example 404=/404.html, with 400, 403, 404, 405 or 503';
const indexName = string(INDEX_NAME).refine((name) => /^[^./\0][^/\0]*$/.test(name), INDEX_NAME);
const cacheControlEntry = string(CACHE_CONTROL_ENTRY).refine(
  (entry) => /^[^=\0]+=[\x20-\x7e]+$/.test(entry),
  CACHE_CONTROL_ENTRY,
);
const errorPageEntry = string(ERROR_PAGE_ENTRY).refine(
  (entry) => /^(?:400|403|404|405|503)=[^\0]+$/.test(entry),
  ERROR_PAGE_ENTRY,
);

const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;

const CLIENT_CERTS = ['none', 'request', 'require'] as const;

/** Of one application: what is served, and by what. */
const applicationOptions = {
  target: string('a TARGET, for example wsgi:app or ./cgi-bin').optional(),
  /** What the target is, if that was said: `xgi cgi TARGET`. */
  kind: oneOf(['wsgi', 'cgi', 'static', 'app']),
  workers: option(WORKER_RANGE_FORM, parseWorkerRange),
  threads: wholeNumber(1, 1024),
  chdir: nonEmpty('a directory'),
  pythonpath: nonEmpty('directories, separated by commas'),
  env: entries(envEntry, ENV_ENTRY),
  timeout: duration('for none'),
  queueTimeout: duration('for none'),
  maxRequests: wholeNumber(0, 1_000_000_000),
  maxRequestsJitter: wholeNumber(0, 1_000_000_000),
  maxWorkerAge: duration('for no limit', WEEK_MS),
  maxWorkerRss: option(`${SIZE_FORM}; 0 for no limit`, parseSize),
  preload: flag(),
  validate: flag(),
  reload: flag(),
  reloadExtraFile: list(string('a file'), 'files'),
  python: nonEmpty('the path or the name of a Python interpreter'),
  mount: option('a path that begins with /, for example /cgi-bin', parseMount),
  passEnv: list(envName, 'names of variables'),
  cgiInterpreter: entries(interpreterEntry, INTERPRETER_ENTRY),
  cgiTimeout: duration('for none'),
  cgiIdleTimeout: duration('for none'),
  cgiConcurrency: wholeNumber(1, 10_000),
  cgiUser: nonEmpty('the name or the number of a user'),
  cgiWarm: flag(),
  cgiPreload: option('names of modules, separated by commas', parseModules),
  cgiPassAuthorization: flag(),
  cgiStreamBody: flag(),
  cgiIndexQuery: list(path, 'paths of programs'),
  cgiLimitCpu: wholeNumber(1, 1_000_000_000),
  cgiLimitMemory: option(SIZE_FORM, (given) => parseSize(given) || undefined),
  cgiLimitFiles: wholeNumber(3, 1_000_000_000),
  cgiLimitProcesses: wholeNumber(1, 1_000_000_000),
  sendfileRoot: list(path, 'folders'),
  index: list(indexName, 'names of files'),
  listing: flag(),
  spa: nonEmpty(FILE_PATH),
  cacheControl: entries(cacheControlEntry, CACHE_CONTROL_ENTRY),
  precompressed: flag(),
  errorPage: entries(errorPageEntry, ERROR_PAGE_ENTRY),
} as const;

/** Of the server as a whole, and of the workers of an application that are to be somebody else. */
const userOptions = {
  user: nonEmpty('the name or the number of a user'),
  group: nonEmpty('the name or the number of a group'),
} as const;

/** Of the server as a whole. */
const serverOptions = {
  bind: list(string('an address'), 'addresses'),
  gateways: wholeNumber(1, 64),
  gracefulTimeout: duration('to wait for nothing'),
  ...userOptions,
  umask: octal('an octal number from 0 to 777'),
  allowRoot: flag(),
  keepAlive: duration('to close each connection after its response'),
  limitRequestLine: wholeNumber(256, 32_768),
  limitRequestFields: wholeNumber(1, 32_768),
  limitRequestFieldSize: wholeNumber(256, 32_768),
  maxBodySize: option(`${SIZE_FORM}; 0 for no limit`, parseSize),
  accessLogfile: nonEmpty('a file, or - for standard output'),
  accessLogformat: nonEmpty('a format, or json'),
  logLevel: oneOf(LOG_LEVELS),
  pid: nonEmpty('a file'),
  controlSocket: nonEmpty('a path for a socket, or none'),
  backlog: wholeNumber(1, 65_535),
  forwardedAllowIps: string('addresses or ranges, separated by commas').optional(),
  proxyProtocol: flag(),
  proxyAllowFrom: string('addresses or ranges, separated by commas').optional(),
  certfile: list(path, 'files'),
  keyfile: list(path, 'files'),
  caCerts: nonEmpty('a file'),
  clientCerts: oneOf(CLIENT_CERTS),
  tlsRedirect: nonEmpty('HOST:PORT'),
  hsts: wholeNumber(1, 63_072_000),
  tlsLocal: flag(),
  dev: flag(),
} as const;

/** The keys are gunicorn's names for its settings, in camel case: `--limit-request-line` is `limitRequestLine`. */
export const userConfigSchema = z.strictObject({
  /** For editors; xgi passes it over. */
  $schema: string('where the JSON Schema of this file is').optional(),
  ...applicationOptions,
  ...serverOptions,
  /** Several applications, by their names. */
  apps: z
    .record(
      z.strictObject(
        { ...applicationOptions, ...userOptions, middleware: middlewareSchema.optional() },
        { invalid_type_error: 'the settings of an application' },
      ),
      { invalid_type_error: 'an object: the name of each application, and its settings' },
    )
    .optional(),
  /** Which of them, or what else, answers which requests. */
  routes: z.array(routeSchema, { invalid_type_error: 'a list of routes' }).optional(),
  /** In front of everything; each application and each route may have its own behind it. */
  middleware: middlewareSchema.optional(),
});

/** What may be set for each application. */
export const APPLICATION_SETTINGS = Object.keys(applicationOptions) as (keyof typeof applicationOptions)[];

/** What is set for the server as a whole. */
export const SERVER_SETTINGS = Object.keys(serverOptions) as (keyof typeof serverOptions)[];

/** As a person writes it. */
export type UserConfig = z.input<typeof userConfigSchema>;

/** Each value read and within its bounds; nothing is filled in. */
export type ParsedConfig = z.output<typeof userConfigSchema>;
