/** Why a file cannot be run as a program, told with the command that mends it. 500: it is a mistake of this machine's owner. */
import path from 'node:path';
import { GatewayError, type ErrorCode } from '../../errors.js';
import { toText } from '../../gateway/byte-text.js';

export function notExecutable(file: string): GatewayError {
  return failure('XGI_CGI_NO_EXEC', `${nameOf(file)} is not executable; run chmod +x ${shown(file)}`);
}

export function windowsLineEnds(file: string): GatewayError {
  return failure(
    'XGI_CGI_CRLF',
    `${nameOf(file)} was saved with Windows line ends, so its interpreter is not found; run sed -i 's/\\r$//' ${shown(file)}`,
  );
}

/** @param observed what its beginning is instead of a `#!` line */
export function noShebang(file: string, observed: string): GatewayError {
  return failure(
    'XGI_CGI_NO_SHEBANG',
    `${shown(file)} ${observed}, so the system does not know how to run it; the first line of a script names its interpreter: #!/usr/bin/env python3`,
  );
}

/** @param observed what is wrong with the interpreter, and what to do */
export function badInterpreter(file: string, observed: string): GatewayError {
  return failure('XGI_CGI_BAD_INTERPRETER', `${shown(file)} cannot be run: ${observed}`);
}

/** 404: between the look at the path and the look into the file, it was removed. */
export function programGone(file: string): GatewayError {
  return new GatewayError(404, 'XGI_CGI_GONE', `${nameOf(file)} has just been removed`);
}

export function unreadable(file: string, cause: Error): GatewayError {
  return new GatewayError(500, 'XGI_CGI_UNREADABLE', `cannot read ${shown(file)}: ${cause.message}`, {
    cause,
  });
}

/** For people, who may copy it into a shell. */
export function shown(file: string): string {
  const text = toText(file);
  return /^[\w@%+=:,./\-\u00a1-\uffff]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function nameOf(file: string): string {
  return shown(path.posix.basename(file));
}

function failure(code: ErrorCode, message: string): GatewayError {
  return new GatewayError(500, code, message);
}
