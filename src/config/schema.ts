/**
 * What a person may configure, and the bounds of each value.
 *
 * A value is text, as a shell gives it, or already of its type. Each option says in words what it expects, and
 * that sentence is the whole of its error message: nobody has to read a schema error.
 */
// The small one of the two interfaces that zod 4 has. The other loads 100 files at once, a language of messages each, of
// which none is used here: 30 ms of every start, and with few file descriptors (`ulimit -n 64`) no start at all.
import { z } from 'zod/v3';
import {
  DURATION_FORM,
  parseDuration,
  parseSize,
  parseWorkerRange,
  SIZE_FORM,
  WORKER_RANGE_FORM,
} from './units.js';

type Value = string | number;

/** An option whose text is parsed by `parse`; undefined from it is the error "expected …". */
function option<T>(expected: string, parse: (text: string) => T | undefined) {
  return z
    .custom<Value>((value) => typeof value === 'string' || typeof value === 'number', expected)
    .transform((value, context) => {
      const parsed = parse(String(value));
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    })
    .optional();
}

function wholeNumber(least: number, most: number) {
  return option(`a whole number from ${least} to ${most}`, (text) => {
    if (!/^[0-9]{1,15}$/.test(text)) return undefined;
    return within(Number(text), least, most);
  });
}

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** Milliseconds; 0 is allowed only where `zero` says what it means. */
function duration(zero?: string, mostMs = DAY_MS) {
  const expected = zero === undefined ? `${DURATION_FORM}, more than 0` : `${DURATION_FORM}; 0 ${zero}`;
  // A day: setTimeout wraps at 24.8 days, and a deadline of weeks is a slip of the unit.
  return option(`${expected}, at most ${mostMs / 3_600_000}h`, (text) => {
    const durationMs = parseDuration(text);
    return durationMs === undefined ? undefined : within(durationMs, zero === undefined ? 1 : 0, mostMs);
  });
}

/** `022` and `18` are not the same: the text is octal, as for umask(1). */
function octal(expected: string) {
  return option(expected, (text) => (/^0?[0-7]{1,3}$/.test(text) ? Number.parseInt(text, 8) : undefined));
}

function nonEmpty(expected: string) {
  return option(expected, (value) => (value === '' || value.includes('\0') ? undefined : value));
}

/** `/` → '', `/cgi-bin/` → `/cgi-bin`; what is not its own normal form in a URL is refused. */
function parseMount(text: string): string | undefined {
  const mount = text.replace(/\/$/, '');
  return /^(?:\/(?!\.\.?(?:\/|$))[\w.~!$&'()*+,;=:@-]+)*$/.test(mount) && text.startsWith('/')
    ? mount
    : undefined;
}

function parseModules(text: string): readonly string[] | undefined {
  const names = text.split(',').map((name) => name.trim());
  return names.every((name) => /^[\p{L}_][\p{L}\p{Nd}_.]*$/u.test(name)) ? names : undefined;
}

function within(value: number, least: number, most: number): number | undefined {
  return value >= least && value <= most ? value : undefined;
}

const NAME = /^[^=\0]+$/;
const envName = z.string().refine((name) => NAME.test(name), 'the name of a variable');
const interpreterEntry = z
  .string()
  .refine((entry) => /^\.[^=/\0]+=[^\0]+$/.test(entry), '.ENDING=INTERPRETER, for example .pl=/usr/bin/perl');
const path = z.string().refine((text) => text !== '' && !text.includes('\0'), 'a path');

const envEntry = z.string().refine((entry) => /^[^=\0]+=[^\0]*$/.test(entry), 'NAME=VALUE');

const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;

const CLIENT_CERTS = ['none', 'request', 'require'] as const;

/** The keys are gunicorn's names for its settings, in camel case: `--limit-request-line` is `limitRequestLine`. */
export const userConfigSchema = z.strictObject({
  target: z.string(),
  /** What the target is, if that was said: `xgi cgi TARGET`. */
  kind: z.enum(['wsgi', 'cgi']).optional(),
  bind: z.array(z.string()).optional(),
  workers: option(WORKER_RANGE_FORM, parseWorkerRange),
  gateways: wholeNumber(1, 64),
  threads: wholeNumber(1, 1024),
  chdir: nonEmpty('a directory'),
  pythonpath: nonEmpty('directories, separated by commas'),
  env: z.array(envEntry).optional(),
  timeout: duration('for none'),
  queueTimeout: duration('for none'),
  gracefulTimeout: duration('to wait for nothing'),
  maxRequests: wholeNumber(0, 1_000_000_000),
  maxRequestsJitter: wholeNumber(0, 1_000_000_000),
  maxWorkerAge: duration('for no limit', WEEK_MS),
  maxWorkerRss: option(`${SIZE_FORM}; 0 for no limit`, parseSize),
  preload: z.boolean().optional(),
  reload: z.boolean().optional(),
  reloadExtraFile: z.array(z.string()).optional(),
  user: nonEmpty('the name or the number of a user'),
  group: nonEmpty('the name or the number of a group'),
  umask: octal('an octal number from 0 to 777'),
  allowRoot: z.boolean().optional(),
  keepAlive: duration('to close each connection after its response'),
  limitRequestLine: wholeNumber(256, 32_768),
  limitRequestFields: wholeNumber(1, 32_768),
  limitRequestFieldSize: wholeNumber(256, 32_768),
  maxBodySize: option(`${SIZE_FORM}; 0 for no limit`, parseSize),
  accessLogfile: nonEmpty('a file, or - for standard output'),
  accessLogformat: nonEmpty('a format, or json'),
  logLevel: option(`one of ${LOG_LEVELS.join(', ')}`, (value) => LOG_LEVELS.find((level) => level === value)),
  pid: nonEmpty('a file'),
  controlSocket: nonEmpty('a path for a socket, or none'),
  backlog: wholeNumber(1, 65_535),
  forwardedAllowIps: z.string().optional(),
  proxyProtocol: z.boolean().optional(),
  proxyAllowFrom: z.string().optional(),
  python: nonEmpty('the path or the name of a Python interpreter'),
  dev: z.boolean().optional(),
  mount: option('a path that begins with /, for example /cgi-bin', parseMount),
  passEnv: z.array(envName).optional(),
  cgiInterpreter: z.array(interpreterEntry).optional(),
  cgiTimeout: duration('for none'),
  cgiIdleTimeout: duration('for none'),
  cgiConcurrency: wholeNumber(1, 10_000),
  cgiUser: nonEmpty('the name or the number of a user'),
  cgiWarm: z.boolean().optional(),
  cgiPreload: option('names of modules, separated by commas', parseModules),
  cgiPassAuthorization: z.boolean().optional(),
  cgiStreamBody: z.boolean().optional(),
  cgiIndexQuery: z.array(path).optional(),
  cgiLimitCpu: wholeNumber(1, 1_000_000_000),
  cgiLimitMemory: option(SIZE_FORM, (text) => parseSize(text) || undefined),
  cgiLimitFiles: wholeNumber(3, 1_000_000_000),
  cgiLimitProcesses: wholeNumber(1, 1_000_000_000),
  sendfileRoot: z.array(path).optional(),
  certfile: z.array(path).optional(),
  keyfile: z.array(path).optional(),
  caCerts: nonEmpty('a file'),
  clientCerts: option('none, request or require', (text) => CLIENT_CERTS.find((value) => value === text)),
  tlsRedirect: nonEmpty('HOST:PORT'),
  hsts: wholeNumber(1, 63_072_000),
  tlsLocal: z.boolean().optional(),
});

/** As a person writes it. */
export type UserConfig = z.input<typeof userConfigSchema>;

/** Each value read and within its bounds; nothing is filled in. */
export type ParsedConfig = z.output<typeof userConfigSchema>;
