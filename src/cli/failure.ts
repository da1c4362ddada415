/** How a failed start ends: what is printed, and the exit status. */
import { BootError, ConfigError, XgiError } from '../errors.js';
import { formatDetail } from '../observe/detail.js';
import { CONTROLS, createEscape } from '../observe/escape.js';

const escapeLine = createEscape(CONTROLS);

/** 2 for a flag, a variable or a file that cannot be used; 3 for an application that cannot be loaded; else 1. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof ConfigError) return 2;
  return error instanceof BootError ? 3 : 1;
}

/** The detail (a traceback) first, so that the line that says what to do is the last one on the screen. */
export function describeFailure(error: unknown): string {
  if (isOutOfFiles(error)) {
    return `xgi: XGI_START_FILES: too few file descriptors: raise ulimit -n (${escapeLine(error.message)})\n`;
  }
  if (!(error instanceof XgiError)) {
    return `xgi: this is a bug in xgi:\n${formatDetail(error instanceof Error ? (error.stack ?? error.message) : String(error))}`;
  }
  const detail = error.detail === undefined ? '' : formatDetail(error.detail);
  return `${detail}xgi: ${error.code}: ${escapeMessage(error.message)}\n`;
}

function isOutOfFiles(error: unknown): error is Error {
  return error instanceof Error && ['EMFILE', 'ENFILE'].includes(String((error as { code?: unknown }).code));
}

/** The lines of our own messages stay lines. */
export function escapeMessage(message: string): string {
  return message.split('\n').map(escapeLine).join('\n');
}
