/**
 * How a file is run as a CGI program: by the interpreter that the configuration names for its ending, by the kernel, or in a warm
 * Python interpreter. It looks at the file and starts nothing.
 *
 * All paths are byte text: one character per byte, as the kernel has them.
 */
import { closeSync, constants, openSync, readSync, type Stats } from 'node:fs';
import path from 'node:path';
import { bytesOf } from '../../gateway/byte-text.js';
import { findCommand, isExecutable, isProgram } from './executable.js';
import {
  badInterpreter,
  noShebang,
  notExecutable,
  programGone,
  shown,
  unreadable,
  windowsLineEnds,
} from './program-error.js';
import { HEAD_BYTES, readFormat } from './shebang.js';

export interface Program {
  /** The file to execute: the script itself, or the interpreter of its ending. */
  readonly path: string;
  readonly argv: readonly string[];
  /** The Python interpreter that the script may be run by without starting it anew; null if it has to be executed. */
  readonly warm: string | null;
  /** The file that was asked for. */
  readonly script: string;
}

export interface ProgramOptions {
  /** By ending, as `.pl`; the longest that fits counts. Their files need not be executable. */
  readonly interpreters: ReadonlyMap<string, string>;
  /** The PATH that programs are given, for `#!/usr/bin/env python3`. */
  readonly searchPath: string;
  /** Whether plain Python scripts may be run warm. */
  readonly warm: boolean;
}

/**
 * Says how a file is run. What was found is remembered as long as file and options are the same: pass the same options object
 * each time.
 *
 * An interpreter that vanishes later is found out by who starts it. Synchronous, because it reads 256 bytes that the kernel has in
 * memory since the last run: 4 us, where one asynchronous call takes 36 us (Node 20, two cores).
 *
 * @param file absolute
 * @param stats of this file; tells whether it has changed
 * @throws GatewayError 500 `XGI_CGI_NO_EXEC`, `XGI_CGI_BAD_INTERPRETER`, `XGI_CGI_CRLF`, `XGI_CGI_NO_SHEBANG` or
 * `XGI_CGI_UNREADABLE`; 404 `XGI_CGI_GONE`
 */
export function inspectProgram(file: string, stats: Stats, options: ProgramOptions): Program {
  const known = programsOf(options);
  const before = known.get(file);
  if (before !== undefined && isSameFile(before.stats, stats)) return before.program;
  const program = inspect(file, stats, options);
  if (known.size >= MAX_KNOWN) known.clear();
  if (Date.now() - stats.ctimeMs > SETTLED_MS) known.set(file, { stats, program });
  return program;
}

interface KnownProgram {
  readonly stats: Stats;
  readonly program: Program;
}

const MAX_KNOWN = 1024;
/** A file can change twice within one tick of its file system's clock, and be as long as before: what is so young is looked at each time. */
const SETTLED_MS = 2000;

const knownPrograms = new WeakMap<ProgramOptions, Map<string, KnownProgram>>();

function programsOf(options: ProgramOptions): Map<string, KnownProgram> {
  let known = knownPrograms.get(options);
  if (known === undefined) {
    known = new Map();
    knownPrograms.set(options, known);
  }
  return known;
}

function isSameFile(a: Stats, b: Stats): boolean {
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.size === b.size &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs
  );
}

function inspect(file: string, stats: Stats, options: ProgramOptions): Program {
  const mapped = mappedInterpreter(file, options.interpreters);
  if (mapped !== undefined) {
    if (!isProgram(mapped))
      throw badInterpreter(
        file,
        `its interpreter ${shown(mapped)} is not an executable file; install it, or change the setting`,
      );
    return { path: mapped, argv: [mapped, file], warm: warmInterpreter(mapped, options), script: file };
  }
  if (!isExecutable(stats)) throw notExecutable(file);
  return { path: file, argv: [file], warm: shebangInterpreter(file, options), script: file };
}

function mappedInterpreter(file: string, interpreters: ReadonlyMap<string, string>): string | undefined {
  const name = path.posix.basename(file);
  let longest = '';
  for (const ending of interpreters.keys()) {
    if (name.endsWith(ending) && ending.length > longest.length) longest = ending;
  }
  return interpreters.get(longest);
}

/** Checks that the kernel can run it. Returns the interpreter if it may run warm. */
function shebangInterpreter(file: string, options: ProgramOptions): string | null {
  const head = readHead(file);
  // Executable, but not readable for us: the kernel will see.
  if (head === undefined) return null;
  const format = readFormat(head);
  switch (format.kind) {
    case 'binary':
      return null;
    case 'script':
      return checkedInterpreter(file, format, options);
    case 'crlf':
      throw windowsLineEnds(file);
    case 'bom':
      throw noShebang(file, 'begins with a byte order mark (save it as UTF-8 without BOM)');
    case 'empty':
      throw noShebang(file, 'is empty');
    case 'unknown':
      throw noShebang(file, 'has no #! line and is not machine code');
  }
}

function checkedInterpreter(
  file: string,
  { interpreter, argument }: { readonly interpreter: string; readonly argument: string | null },
  options: ProgramOptions,
): string | null {
  if (!interpreter.startsWith('/'))
    throw badInterpreter(
      file,
      `its first line names ${shown(interpreter)}; write the interpreter's absolute path, or #!/usr/bin/env ${shown(path.posix.basename(interpreter))}`,
    );
  if (!isProgram(interpreter))
    throw badInterpreter(
      file,
      `its interpreter ${shown(interpreter)} is not an executable file; install it, or change the first line`,
    );
  const isEnv = path.posix.basename(interpreter) === 'env';
  if (argument === null) return isEnv ? null : warmInterpreter(interpreter, options);
  // Options (-S, -i) and assignments are for env to read.
  if (!isEnv || argument.startsWith('-') || argument.includes('=')) return null;
  return warmInterpreter(commandOfEnv(file, argument, options.searchPath), options);
}

/** What `#!/usr/bin/env NAME` executes. The kernel passes all that follows `env` as one argument. */
function commandOfEnv(file: string, name: string, searchPath: string): string {
  if (name.includes('/')) {
    if (name.startsWith('/') && !isProgram(name))
      throw badInterpreter(file, `env will not find ${shown(name)}; install it, or change the first line`);
    return name;
  }
  const command = findCommand(name, searchPath);
  if (command !== undefined) return command;
  throw badInterpreter(
    file,
    /[ \t]/.test(name)
      ? `env will look for a program whose name is ${shown(name)}; write #!/usr/bin/env -S ${name}`
      : `env will not find ${shown(name)} in the PATH of programs, which is ${shown(searchPath)}; install it, or change the first line`,
  );
}

/** The path as it is written, for a virtual environment is known by its link. */
function warmInterpreter(interpreter: string, options: ProgramOptions): string | null {
  return options.warm && /^\/(?:.*\/)?python(?:3(?:\.[0-9]+)?)?$/s.test(interpreter) ? interpreter : null;
}

/** Undefined if we may not read it. */
function readHead(file: string): string | undefined {
  let fd: number;
  try {
    // Should a fifo stand there by now, opening it must not wait for a writer.
    fd = openSync(bytesOf(file), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') return undefined;
    throw code === 'ENOENT' || code === 'ENOTDIR' ? programGone(file) : unreadable(file, error as Error);
  }
  try {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    return head.toString('latin1', 0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } catch (error) {
    throw unreadable(file, error as Error);
  } finally {
    closeSync(fd);
  }
}
