/** The measured CGI programs. They give no Content-Length, as CGI programs do not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CgiEnvironment } from './environment/cgi-environment.js';
import { requestBytes, type RequestParts } from './http/request-bytes.js';
import type { Exchange, Workload } from './workload.js';

export interface CgiProgram extends Workload {
  /** Its name in the folder of programs. */
  readonly file: string;
  /** Of its first line; undefined if it is machine code. */
  readonly interpreter?: string;
  /** Python modules that it imports, and that a server may have imported before. */
  readonly modules: readonly string[];
}

/** Where all servers have the folder of programs. */
export const MOUNT = '/cgi-bin';

const PYTHON = '/usr/bin/python3';

export const helloC = helloProgram({ name: 'c', title: 'C', file: 'hello' });
export const helloPython = helloProgram({
  name: 'python',
  title: 'Python',
  file: 'hello.py',
  interpreter: PYTHON,
});

export const cgiPrograms: readonly CgiProgram[] = [
  helloC,
  helloProgram({ name: 'shell', title: '/bin/sh', file: 'hello.sh', interpreter: '/bin/sh' }),
  helloProgram({ name: 'perl', title: 'Perl', file: 'hello.pl', interpreter: '/usr/bin/perl' }),
  helloPython,
  importsProgram(),
];

export function isPython({ interpreter }: CgiProgram): boolean {
  return interpreter === PYTHON;
}

/** Why it cannot be measured, or undefined if it can. */
export function programMissing(
  { file, interpreter }: CgiProgram,
  { programsDirectory }: Pick<CgiEnvironment, 'programsDirectory'>,
): string | undefined {
  if (interpreter !== undefined && !existsSync(interpreter)) return `${interpreter} is missing`;
  return existsSync(join(programsDirectory, file)) ? undefined : `cc could not compile bench/cgi/${file}.c`;
}

function helloProgram(
  program: Pick<CgiProgram, 'name' | 'title' | 'file'> & { readonly interpreter?: string },
): CgiProgram {
  const path = `${MOUNT}/${program.file}`;
  const body = 'Hello, World!';
  return {
    ...program,
    title: `${program.title}: 13 bytes of text`,
    modules: [],
    exchanges: [
      exchange({ target: path }, 'text/plain', body),
      exchange({ target: `${path}/path/info?c=d` }, 'text/plain', body),
    ],
    load: { path, postBytes: 0, answerBytes: body.length },
  };
}

function importsProgram(): CgiProgram {
  const path = `${MOUNT}/imports.py`;
  const loaded = `${path}?name=Ada%20Lovelace&year=1843`;
  const body = '{"cookies": {}, "longest": 12, "query": {"name": "Ada Lovelace", "year": "1843"}}\n';
  const withCookies = { target: `${path}?a=b`, fields: { Cookie: 'session=31d4; theme=dark' } };
  return {
    name: 'python-imports',
    title: 'Python with json, urllib.parse, http.cookies and sqlite3: a JSON document',
    file: 'imports.py',
    interpreter: PYTHON,
    modules: ['json', 'urllib.parse', 'http.cookies', 'sqlite3'],
    exchanges: [
      exchange({ target: loaded }, 'application/json', body),
      exchange(
        withCookies,
        'application/json',
        '{"cookies": {"session": "31d4", "theme": "dark"}, "longest": 1, "query": {"a": "b"}}\n',
      ),
    ],
    load: { path: loaded, postBytes: 0, answerBytes: body.length },
  };
}

function exchange(request: RequestParts, contentType: string, body: string): Exchange {
  return {
    request: requestBytes(request),
    answer: { status: 200, contentType, body: Buffer.from(body), hasLength: false },
  };
}
