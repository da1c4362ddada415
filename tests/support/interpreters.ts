/** The Python interpreters of this machine, of any version: CGI scripts name them in their first line. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { run } from './process.js';

export interface Interpreter {
  /** For people: `Python 3.11 (Debian)`. */
  readonly name: string;
  /** As a first line names it. */
  readonly path: string;
  /** `3.11` */
  readonly version: string;
  /** Whether it has the module `cgi`, which went with 3.13. */
  readonly hasCgi: boolean;
}

const DEBIAN = '/usr/bin/python3';

const PROBE = `
import sys
try:
    import cgi
except ImportError:
    cgi = None
print("%d %d %d" % (sys.version_info[0], sys.version_info[1], cgi is not None))
`;

/** Debian's, that of PATH, and those that pyenv has installed; each version once. */
export async function findInterpreters(): Promise<readonly Interpreter[]> {
  const versions = path.join(process.env['PYENV_ROOT'] ?? path.join(homedir(), '.pyenv'), 'versions');
  const installed = existsSync(versions) ? readdirSync(versions) : [];
  const onPath = await run('python3', ['-c', 'import sys; print(sys.executable)']);
  const candidates = [
    DEBIAN,
    ...installed.map((version) => path.join(versions, version, 'bin/python')),
    onPath.stdout.trim(),
  ];
  const found = new Map<string, Interpreter>();
  for (const candidate of candidates.filter((file) => existsSync(file))) {
    const { code, stdout } = await run(candidate, ['-W', 'ignore', '-c', PROBE]);
    const [major, minor, hasCgi] = stdout.trim().split(' ');
    const version = `${major}.${minor}`;
    const name = `Python ${version}${candidate === DEBIAN ? ' (Debian)' : ''}`;
    if (code === 0 && !found.has(name))
      found.set(name, { name, path: candidate, version, hasCgi: hasCgi === '1' });
  }
  return [...found.values()];
}
