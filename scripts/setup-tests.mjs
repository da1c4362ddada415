/**
 * Provides what the tests need and the machine may lack, and writes `.test-env/report.json`: the
 * interpreter to use, and by name what could not be had. Called by `npm test`; quick when all is there.
 *
 *  - Python packages (tests/requirements.txt) go into a private virtual environment, `.test-env/venv`,
 *    with pip. Where pip reaches nothing, Debian's packages are used, through a virtual environment of
 *    Debian's interpreter that sees them.
 *  - ruff (tests/requirements-lint.txt) goes into the same environment, with pip; else the one on PATH is used.
 *  - Programs are installed as Debian packages, if this is root on a machine with apt-get.
 *
 * Exit status 0 if everything is there; 1 if something is missing and CI is set.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installDebianPackages } from './lib/debian.mjs';
import { basePython, DEBIAN_PYTHON, VirtualEnvironment } from './lib/python.mjs';
import { capture, repository, which } from './lib/run.mjs';

/** `isThere` for those that are on no PATH, or are only of use if they work. */
const PROGRAMS = [
  { name: 'curl', debianPackages: ['curl'], isThere: () => which('curl') },
  { name: 'openssl', debianPackages: ['openssl'], isThere: () => which('openssl') },
  {
    name: 'nghttp2',
    debianPackages: ['nghttp2-client'],
    isThere: () => which('nghttp') && which('h2load'),
  },
  { name: 'nginx', debianPackages: ['nginx-light'], isThere: () => existsSync('/usr/sbin/nginx') },
  { name: 'git', debianPackages: ['git'], isThere: () => which('git') },
  {
    name: 'gitweb',
    debianPackages: ['gitweb', 'libcgi-pm-perl'],
    isThere: () => existsSync('/usr/share/gitweb/gitweb.cgi') && hasPerlModule('CGI'),
  },
  { name: 'cgit', debianPackages: ['cgit'], isThere: () => existsSync('/usr/lib/cgit/cgit.cgi') },
  { name: 'xsltproc', debianPackages: ['xsltproc'], isThere: () => which('xsltproc') },
  { name: 'Mercurial', debianPackages: ['mercurial'], isThere: () => which('hg') },
  { name: 'Perl', debianPackages: ['perl'], isThere: () => which('perl') },
  { name: 'CGI.pm', debianPackages: ['libcgi-pm-perl'], isThere: () => hasPerlModule('CGI') },
  { name: 'AWStats', debianPackages: ['awstats'], isThere: () => existsSync('/usr/lib/cgi-bin/awstats.pl') },
  { name: 'php-cgi', debianPackages: ['php-cgi'], isThere: () => which('php-cgi') },
  { name: 'Chromium', debianPackages: ['chromium'], isThere: () => existsSync('/usr/bin/chromium') },
  { name: 'C compiler', debianPackages: ['gcc', 'libc6-dev'], isThere: canCompile },
  // CGI scripts find it with #!/usr/bin/env python3.
  { name: 'system Python', debianPackages: ['python3'], isThere: () => existsSync(DEBIAN_PYTHON) },
];

const PYTHON_PACKAGES = [
  { name: 'Flask', module: 'flask', debianPackage: 'python3-flask' },
  { name: 'Django', module: 'django', debianPackage: 'python3-django' },
];

const environment = path.join(repository, '.test-env');
const venvFolder = path.join(environment, 'venv');
const venv = new VirtualEnvironment(venvFolder);
const stamp = path.join(environment, 'venv.stamp');
const requirements = path.join(repository, 'tests/requirements.txt');
const lintRequirements = path.join(repository, 'tests/requirements-lint.txt');
const venvRuff = path.join(venvFolder, 'bin/ruff');

const skipped = [];

mkdirSync(environment, { recursive: true });
providePrograms();
const python = providePython();
const ruff = provideRuff();
writeFileSync(
  path.join(environment, 'report.json'),
  `${JSON.stringify({ python, ruff, skipped }, null, 2)}\n`,
);
for (const { name, reason } of skipped) console.log(`skipped: ${name} (${reason})`);
process.exitCode = skipped.length > 0 && process.env.CI ? 1 : 0;

/** All that are missing in one go: apt-get takes seconds to start. */
function providePrograms() {
  const missing = PROGRAMS.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return;
  const problem = installDebianPackages([
    ...new Set(missing.flatMap(({ debianPackages }) => debianPackages)),
  ]);
  // One that no mirror has must not cost the others.
  const isUnknown = /Unable to locate package|no installation candidate/.test(problem ?? '');
  for (const { name, debianPackages, isThere } of missing) {
    if (isThere()) continue;
    const alone = isUnknown ? installDebianPackages(debianPackages) : problem;
    if (!isThere()) skipped.push({ name, reason: alone ?? 'the Debian package does not bring it' });
  }
}

function hasPerlModule(name) {
  return capture('perl', [`-M${name}`, '-e', '1']).status === 0;
}

/** A compiler without the headers of the C library is none. */
function canCompile() {
  if (!which('cc')) return false;
  const probe = path.join(environment, 'probe');
  writeFileSync(`${probe}.c`, '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n');
  return capture('cc', ['-o', probe, `${probe}.c`]).status === 0;
}

/** The interpreter that imports the packages; null if none of them could be had. */
function providePython() {
  const base = basePython();
  if (!base) {
    for (const { name } of PYTHON_PACKAGES) skipped.push({ name, reason: 'no CPython 3.8 or later on PATH' });
    return null;
  }
  const fingerprint = createHash('sha256')
    .update(readFileSync(requirements))
    .update(`${base.executable} ${base.version} ${venvFolder}`)
    .digest('hex');
  if (readStamp() === fingerprint && missingPackages().length === 0) return venv.python;

  console.log(`Setting up Python packages for the tests (CPython ${base.version})`);
  rmSync(stamp, { force: true });
  const problem = venv.makeWithPip(base.executable, requirements) ?? missingAfterPip();
  if (problem === undefined) {
    writeFileSync(stamp, fingerprint);
    return venv.python;
  }
  console.log(`pip: ${problem}; trying Debian's packages`);
  const debianProblem = venv.makeFromDebian(PYTHON_PACKAGES.map((wanted) => wanted.debianPackage));
  const missing = missingPackages();
  for (const { name } of missing)
    skipped.push({ name, reason: `pip: ${problem}; apt: ${debianProblem ?? 'not importable'}` });
  // Without the stamp the next run tries pip again.
  if (missing.length === 0) writeFileSync(stamp, fingerprint);
  return missing.length === PYTHON_PACKAGES.length ? null : venv.python;
}

/** The linter of the Python code; null if it could not be had. */
function provideRuff() {
  const [, version] = /^ruff==(\S+)$/m.exec(readFileSync(lintRequirements, 'utf8'));
  const isWanted = (program) => capture(program, ['--version']).stdout === `ruff ${version}`;
  if (isWanted(venvRuff)) return venvRuff;
  const problem =
    python === null
      ? 'there is no virtual environment for it'
      : venv.install(basePython().executable, lintRequirements);
  if (isWanted(venvRuff)) return venvRuff;
  if (isWanted('ruff')) return which('ruff');
  skipped.push({ name: 'ruff', reason: problem ?? `${version} is not what pip has installed` });
  return null;
}

function readStamp() {
  try {
    return readFileSync(stamp, 'utf8');
  } catch {
    return undefined;
  }
}

function missingPackages() {
  return PYTHON_PACKAGES.filter(({ module }) => !venv.imports(module));
}

/** The problem, or undefined if all can be imported. */
function missingAfterPip() {
  const missing = missingPackages();
  return missing.length === 0
    ? undefined
    : `${missing.map(({ module }) => module).join(', ')} not importable`;
}
