/**
 * Which Python runs the workers: `--python`, else the virtual environment that is active or lies in the project,
 * else `python3`. The chosen one is started once, to know that it is a Python we can work with.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';

export interface Interpreter {
  /** Absolute. Never resolved through symbolic links: a virtual environment is the link, not what it points to. */
  readonly path: string;
  /** `3.11.7` */
  readonly version: string;
}

export interface InterpreterChoice {
  /** `--python`: a path, or a name to look up in PATH. */
  readonly python: string | undefined;
  /** How a message names that. Default `--python`. */
  readonly name?: string;
  /** What relative paths, `.venv` and `venv` are relative to. */
  readonly directory: string;
  /** Whether virtual environments count: for an application, not for a program of ours. Default true. */
  readonly virtual?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Looks at it before it is run. @throws ConfigError if it must not be */
  readonly check?: ((file: string) => void) | undefined;
  /** Who is to run it: what lies in a folder of the application's user is not run as root. Default: as this process. */
  readonly runAs?: RunAs | undefined;
}

/** A user that programs are run as. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
  /** HOME and the like. */
  readonly env: Readonly<Record<string, string>>;
}

const OLDEST = [3, 8] as const;
const EXPECTED = `a Python ${OLDEST.join('.')} or later`;

// -E -S: neither PYTHON* variables nor site packages matter to the answer, and without them it comes in 10 ms.
// Python 2 understands all of this too, so that it can be named.
const ASK = ['-E', '-S', '-c', "import sys; sys.stdout.write('xgi-python %d.%d.%d' % sys.version_info[:3])"];
const ANSWER = /^xgi-python ([0-9]+)\.([0-9]+)\.([0-9]+)$/;

/** An interpreter under heavy load takes seconds to start; one that takes longer than this hangs. */
const ASK_TIMEOUT_MS = 20_000;

/**
 * Chooses the interpreter and asks for its version.
 *
 * @throws ConfigError `XGI_CONFIG_PYTHON` if the choice is missing, cannot be executed, or is no Python 3.8 or later
 */
export async function chooseInterpreter(choice: InterpreterChoice): Promise<Interpreter> {
  const { file, origin } = locate(choice);
  try {
    accessSync(file, constants.X_OK);
    if (statSync(file).isDirectory()) throw new Error('it is a directory');
  } catch (error) {
    throw refuse(origin, file, reasonOf(error));
  }
  choice.check?.(file);
  return { path: file, version: await askVersion(file, origin, choice) };
}

function locate({ python, name = '--python', directory, env, virtual = true }: InterpreterChoice): {
  file: string;
  origin: string;
} {
  if (python !== undefined) {
    const named = path.resolve(directory, python);
    const file = python.includes('/') ? named : findOnPath(python, directory, env);
    if (isDirectory(file ?? named)) throw refuse(name, python, aboutDirectory(python, named));
    if (file === undefined) throw refuse(name, python, 'no such program is on PATH');
    return { file, origin: name };
  }
  const environment = virtual ? findVirtualEnvironment(directory, env) : undefined;
  if (environment !== undefined) return environment;
  const file = findOnPath('python3', directory, env);
  if (file !== undefined) return { file, origin: 'PATH' };
  throw new ConfigError(
    'XGI_CONFIG_PYTHON',
    `no python3 on PATH; install ${EXPECTED}, or choose an interpreter with --python`,
  );
}

function findVirtualEnvironment(
  directory: string,
  env: InterpreterChoice['env'],
): { file: string; origin: string } | undefined {
  // A variable that names a missing environment is an error: with another interpreter the application would fail
  // later, for a module that the person knows to be installed.
  const active = env['VIRTUAL_ENV'];
  if (active) return { file: path.resolve(directory, active, 'bin/python'), origin: 'VIRTUAL_ENV' };
  for (const name of ['.venv', 'venv']) {
    const file = path.join(directory, name, 'bin/python');
    // lstat: a link that points nowhere (the system's Python was upgraded) is found here and refused above.
    if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) return { file, origin: name };
  }
  return undefined;
}

/** Looks a program up. @returns an absolute path; undefined if there is none of that name that can be executed */
export function findProgram(name: string, directory: string, searchPath: string): string | undefined {
  return findOnPath(name, directory, { PATH: searchPath });
}

/** A virtual environment is easily named instead of the interpreter in it. */
function aboutDirectory(written: string, directory: string): string {
  const inside = statSync(path.join(directory, 'bin/python'), { throwIfNoEntry: false });
  return `it is a directory${inside?.isFile() === true ? `; did you mean ${path.join(written, 'bin/python')}?` : ''}`;
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}

function findOnPath(name: string, directory: string, env: InterpreterChoice['env']): string | undefined {
  for (const folder of (env['PATH'] ?? '').split(':')) {
    // An empty entry means the current directory (POSIX); nobody wants that for a name like python3.
    if (folder === '') continue;
    const file = path.resolve(directory, folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

function askVersion(file: string, origin: string, { env, runAs }: InterpreterChoice): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: ASK_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 1024,
      // With a uid, the supplementary groups are given up as well (libuv).
      ...(runAs && { uid: runAs.uid, gid: runAs.gid, env: { ...env, ...runAs.env }, cwd: '/' }),
    } as const;
    execFile(file, ASK, options, (error, stdout) => {
      const answer = ANSWER.exec(stdout);
      if (error?.killed === true)
        reject(refuse(origin, file, `it did not answer in ${ASK_TIMEOUT_MS / 1000} s`));
      else if (answer === null)
        reject(refuse(origin, file, error === null ? 'it is no Python' : reasonOf(error, runAs?.uid)));
      else if (isNewEnough(Number(answer[1]), Number(answer[2]))) resolve(answer.slice(1).join('.'));
      else reject(refuse(origin, file, `it is Python ${answer.slice(1).join('.')}`));
    });
  });
}

function isNewEnough(major: number, minor: number): boolean {
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

function refuse(origin: string, file: string, reason: string): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_PYTHON',
    `${origin}: expected ${EXPECTED}, received ${formatReceived(file)}: ${reason}`,
  );
}

/** @param uid of whom it was tried as, if that is another user than that of xgi */
function reasonOf(error: unknown, uid?: number): string {
  const { code, message } = error as NodeJS.ErrnoException & { code?: string | number };
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' && uid !== undefined)
    return `user ${uid} may not execute it, or not enter a folder above it; choose another with --python`;
  if (code === 'EACCES') return 'it is not executable';
  if (typeof code === 'number') return `it is no Python (it exited with status ${code})`;
  return message;
}
