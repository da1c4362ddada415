/**
 * `accessLog`: an access log of its own, for those requests that come by: of a route, of an application.
 *
 * A line tells what the client was sent, status and bytes, whatever middleware has made of it, on which side of this one; and of the
 * request what this one sees: the id, the user and the path that middleware in front of it has given it.
 */
import path from 'node:path';
import type { z } from 'zod/v3';
import { accessLogOptions } from '../config/middleware/access-log.js';
import { DEFAULTS } from '../config/defaults.js';
import { refuse } from '../config/refuse.js';
import { ConfigError } from '../errors.js';
import { ACCESS_LOG_INTERVAL_MS } from '../observe/access-log.js';
import { compileAccessLogFormat, type FormatLine } from '../observe/access-log-format.js';
import type { RequestFinish } from '../observe/channels.js';
import { LogFile } from '../observe/log-file.js';
import { type FinishListener, whenFinished } from '../observe/when-finished.js';
import { fitsPattern } from '../routing/path-pattern.js';
import type { Handler } from '../types.js';
import { defineMiddleware, type MiddlewareContext } from './define.js';

type Options = z.output<typeof accessLogOptions>;
type SkipRule = NonNullable<Options['skip']>[number];

const CLOSE_MS = 1000;

/**
 * Writes a line for each request, when its answer is over. Format: gunicorn's by default. Its file is opened when it is made, and again by SIGUSR1;
 * `close` writes what is left.
 */
export const accessLog = defineMiddleware('accessLog', accessLogOptions, (options, context) => {
  const { skip = [] } = options;
  const format = compileFormat(options, context);
  const log = new RequestLog(openFile(options, context), format, skip);
  const middleware =
    (next: Handler): Handler =>
    (request) => {
      log.begin();
      whenFinished(request, log);
      return next(request);
    };
  return Object.assign(middleware, { close: () => log.close() });
});

class RequestLog implements FinishListener {
  readonly #file: LogFile;
  readonly #format: FormatLine;
  readonly #skip: readonly SkipRule[];
  #underWay = 0;
  #isClosing = false;

  constructor(file: LogFile, format: FormatLine, skip: readonly SkipRule[]) {
    this.#file = file;
    this.#format = format;
    this.#skip = skip;
  }

  begin(): void {
    this.#underWay += 1;
  }

  finished(finish: RequestFinish): void {
    this.#underWay -= 1;
    if (!this.#skip.some((rule) => fitsRule(rule, finish))) this.#file.write(this.#format(finish));
    if (this.#isClosing && this.#underWay === 0) void this.#file.close(CLOSE_MS);
  }

  /** Resolves when all lines are written. Of an answer that has been made, and is still being sent, the line is written when it ends. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#underWay === 0) await this.#file.close(CLOSE_MS);
  }
}

function fitsRule({ path: pattern, status }: SkipRule, finish: RequestFinish): boolean {
  if (status !== undefined && !fitsStatus(status, finish.status)) return false;
  return pattern === undefined || fitsPattern(pattern, finish.request!.path);
}

function fitsStatus(wanted: string, status: number): boolean {
  return wanted.endsWith('xx')
    ? wanted.startsWith(String(Math.floor(status / 100)))
    : wanted === String(status);
}

/** @throws ConfigError */
function compileFormat(
  { format = DEFAULTS.accessLogFormat }: Options,
  { nameOf }: MiddlewareContext,
): FormatLine {
  try {
    return compileAccessLogFormat(format);
  } catch (error) {
    throw new ConfigError('XGI_CONFIG_VALUE', `${nameOf('format')}: ${(error as Error).message}`);
  }
}

/** @throws ConfigError */
function openFile({ file }: Options, { directory, log, nameOf }: MiddlewareContext): LogFile {
  const onProblem = (message: string): void => log.error(`access log: ${message}`);
  const target = file === '-' ? 1 : path.resolve(directory, file);
  try {
    return new LogFile({ target, intervalMs: ACCESS_LOG_INTERVAL_MS, onProblem });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const folder = path.dirname(path.resolve(directory, file));
    const why = code === 'ENOENT' ? `there is no folder ${JSON.stringify(folder)}` : message;
    throw refuse(nameOf('file'), 'a file that can be written, or - for standard output', file, `: ${why}`);
  }
}
