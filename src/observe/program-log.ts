/**
 * The program log: pino decides levels and serialises, and the destination here writes what a person reads, in
 * gunicorn's form, to standard error:
 *
 *     [2026-11-20 16:48:00 +0000] [4711] [INFO] Starting xgi 0.1.0
 *     [2026-11-20 16:48:01 +0000] [4711] [ERROR] XGI_APP_RAISED: the application raised KeyError (GET /) (requestId=1-7)
 *         Traceback (most recent call last):
 *           File "/srv/app.py", line 3, in app
 *
 * Control characters are escaped. Further lines of a message, and the fields `detail` and `err`, are indented, so that
 * no line that others wrote begins like one of ours. The field `pid` names the process that speaks, if it is not this.
 */
import { pino } from 'pino';
import type { Log } from '../types.js';
import { formatDetail } from './detail.js';
import { CONTROLS, createEscape } from './escape.js';
import { LogFile } from './log-file.js';
import { formatLogTime } from './timestamp.js';

export type ProgramLogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical';

export interface ProgramLogOptions {
  readonly level: ProgramLogLevel;
  /** Standard error if not given. */
  readonly file?: LogFile;
}

type LogFields = Readonly<Record<string, unknown>>;

const PINO_LEVELS = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
} as const;
const LABELS: Readonly<Record<number, string>> = {
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARNING',
  50: 'ERROR',
  60: 'CRITICAL',
};

const escapeLine = createEscape(CONTROLS);
const BARE_VALUE = /^[\w./:@+-]+$/;

export class ProgramLog implements Log {
  readonly #file: LogFile;
  readonly #pino: ReturnType<typeof pino>;

  constructor({ level, file = new LogFile({ target: 2, intervalMs: 0 }) }: ProgramLogOptions) {
    this.#file = file;
    this.#pino = pino(
      // oxlint-disable-next-line unicorn/no-null -- pino's word for "no pid and host name"
      { level: PINO_LEVELS[level], base: null },
      { write: (line: string) => file.write(formatRecord(line)) },
    );
  }

  debug(message: string, fields?: LogFields): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields?: LogFields): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields?: LogFields): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields?: LogFields): void {
    this.#pino.error(fields, message);
  }

  /** The gateway itself cannot go on. */
  critical(message: string, fields?: LogFields): void {
    this.#pino.fatal(fields, message);
  }

  /** Writes lines of others between ours, as they are. Each ends with a newline. */
  passOn(lines: string): void {
    this.#file.write(lines);
  }

  /** Of a process that ends: from now on, lines are written at once. */
  writeAtOnce(): void {
    this.#file.writeAtOnce();
  }

  /** Resolves when all is written, or after `withinMs`. */
  async close(withinMs: number): Promise<void> {
    await this.#file.close(withinMs);
  }
}

function formatRecord(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const { level, time, msg = '', pid = process.pid, detail, err, ...fields } = record;
  const [message = '', ...furtherLines] = String(msg).split(/\r?\n/);
  // Messages of errors begin with their code; it need not be told twice.
  if (message.startsWith(`${String(fields['code'])}:`)) delete fields['code'];
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const suffix = rest.length === 0 ? '' : ` (${rest.join('').slice(1)})`;
  const prefix = `[${formatLogTime(time as number)}] [${Number(pid)}] [${LABELS[level as number]}]`;
  const details = [furtherLines.join('\n'), detail, ...errorDetails(err)];
  return `${prefix} ${escapeLine(message + suffix)}\n${details.map(formatOptionalDetail).join('')}`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && BARE_VALUE.test(value) ? value : JSON.stringify(value);
}

/** What pino makes of an Error: its stack, and the `detail` of ours. */
function errorDetails(err: unknown): unknown[] {
  if (typeof err !== 'object' || err === null) return [err];
  const { stack, message, detail } = err as Record<string, unknown>;
  return [stack ?? message ?? JSON.stringify(err), detail];
}

function formatOptionalDetail(detail: unknown): string {
  return detail === undefined || detail === null || detail === '' ? '' : formatDetail(String(detail));
}
