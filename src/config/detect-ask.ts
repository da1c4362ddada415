/** Asks an application what it is (python/xgi_detect): which callable it has, and which static files. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Interpreter, RunAs } from './python.js';

export interface AskedStatic {
  /** `/static/` */
  readonly url: string;
  /** Absolute. */
  readonly folder: string;
  /** Of which app of Django; '' if of none. */
  readonly label: string;
}

export interface Answer {
  /** As xgi takes it; null if there is no callable, or there was an error. */
  readonly target: string | null;
  /** `Django 5.2` */
  readonly framework: string | null;
  /** Why there is no answer: `ModuleNotFoundError: No module named 'flask'`. */
  readonly error: string | null;
  /** In the order in which they are searched. */
  readonly static: readonly AskedStatic[];
  /** Django's, from where its apps have them, since nobody has gathered them in STATIC_ROOT. */
  readonly uncollected: boolean;
}

export interface Question {
  readonly kind: 'django' | 'wsgi';
  /** The module of the settings, or of the application. */
  readonly name: string;
  readonly python: Interpreter;
  /** The front of `sys.path`, and where it runs; absolute. */
  readonly searchPath: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runAs: RunAs | undefined;
}

const PROGRAM = fileURLToPath(new URL('../../python/xgi_detect', import.meta.url));
/** Django takes half a second, with a large project several. */
const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1_048_576;

/** Never rejects: what cannot be asked is an answer with an error. */
export function askPython({
  kind,
  name,
  python,
  searchPath,
  directory,
  env,
  runAs,
}: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const options = {
      cwd: directory,
      env: { ...env, ...runAs?.env },
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ANSWER_BYTES,
      ...(runAs && { uid: runAs.uid, gid: runAs.gid }),
    } as const;
    execFile(python.path, [PROGRAM, JSON.stringify(searchPath), kind, name], options, (error, stdout) => {
      if (error?.killed === true) resolve(failed(`it did not answer in ${TIMEOUT_MS / 1000} s`));
      else resolve(parse(stdout) ?? failed(error?.message.trim() ?? 'it said nothing'));
    });
  });
}

function parse(stdout: string): Answer | undefined {
  try {
    return JSON.parse(stdout) as Answer;
  } catch {
    return undefined;
  }
}

function failed(error: string): Answer {
  return { target: null, framework: null, error, static: [], uncollected: false };
}
