/** Interpreters, and private virtual environments with packages of PyPI, or with Debian's where pip reaches nothing. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { installDebianPackages } from './debian.mjs';
import { capture, lastLine } from './run.mjs';

export const DEBIAN_PYTHON = '/usr/bin/python3';

const PROBE =
  'import platform, sys; print(sys.executable, platform.python_version(), ' +
  'sys.version_info >= (3, 8) and sys.implementation.name == "cpython", sep="\\n")';

/**
 * The CPython 3.8 or later that is meant: `$PYTHON`, python3 on PATH, or Debian's; followed to the real executable, so that a version
 * manager's shim is looked through. Undefined if there is none.
 */
export function basePython() {
  for (const command of [process.env.PYTHON, 'python3', DEBIAN_PYTHON]) {
    if (!command) continue;
    const { status, stdout } = capture(command, ['-c', PROBE]);
    const [executable, version, usable] = stdout.split('\n');
    if (status === 0 && usable === 'True') return { executable, version };
  }
  return undefined;
}

export class VirtualEnvironment {
  /** Its interpreter, if there is one. */
  python;
  #folder;

  constructor(folder) {
    this.#folder = folder;
    this.python = path.join(folder, 'bin/python');
  }

  imports(module) {
    return capture(this.python, ['-c', `import ${module}`]).status === 0;
  }

  /** Makes it anew from that interpreter, with these packages. The problem, or undefined. */
  makeWithPip(base, requirements) {
    let made = this.#make(base, []);
    if (made !== undefined && installDebianPackages(['python3-venv']) === undefined)
      made = this.#make(base, []);
    // Without ensurepip a pip outside can still install into the environment.
    if (made !== undefined && this.#make(base, ['--without-pip']) !== undefined) return made;
    return this.install(base, requirements);
  }

  /** Makes it anew from Debian's interpreter, which sees these packages of Debian's. The problem, or undefined: what can be imported is to be asked. */
  makeFromDebian(packages) {
    const problem = installDebianPackages(['python3', ...packages]);
    return this.#make(DEBIAN_PYTHON, ['--without-pip', '--system-site-packages']) ?? problem;
  }

  /**
   * Installs the packages of a file: with the environment's own pip, or without one with that of the interpreter it was made from (pip 22.3
   * and later). The problem, or undefined.
   */
  install(base, requirements) {
    const hasPip = capture(this.python, ['-m', 'pip', '--version']).status === 0;
    const pip = hasPip ? [this.python, '-m', 'pip'] : [base, '-m', 'pip', '--python', this.python];
    const [command, ...args] = pip;
    const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '2'];
    const { status, output } = capture(command, [...args, 'install', ...flags, '-r', requirements]);
    return status === 0 ? undefined : (/^ERROR: .*$/m.exec(output)?.[0] ?? lastLine(output));
  }

  #make(base, flags) {
    rmSync(this.#folder, { recursive: true, force: true });
    const { status, output } = capture(base, ['-m', 'venv', ...flags, this.#folder]);
    return status === 0 ? undefined : lastLine(output) || 'python3 -m venv failed';
  }
}
