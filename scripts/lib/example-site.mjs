/**
 * Preparing the Django part of examples/site: an interpreter with Django, the database, the secret key, the demo user. All of it is in the
 * folder `data` there (or SITE_DATA), and made by the first start; later ones find it.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { basePython, DEBIAN_PYTHON, VirtualEnvironment } from './python.mjs';
import { capture, lastLine, repository } from './run.mjs';

const site = path.join(repository, 'examples/site');
const data = path.resolve(process.env.SITE_DATA ?? path.join(site, 'data'));
const requirements = path.join(site, 'requirements.txt');
const manage = path.join(site, 'library/manage.py');
/** What the configuration reads: without it there is no Django part. */
const result = path.join(data, 'django.json');

const USER = 'demo';
const OLDEST_DJANGO = '(3, 2)';

/** @returns what to tell who has started it: the demo user, or why there is no Django part */
export function prepareExampleSite() {
  // Of its owner only: it holds the secret key.
  mkdirSync(data, { recursive: true, mode: 0o700 });
  rmSync(result, { force: true });
  const { python, problem } = findDjango() ?? installDjango();
  if (problem !== undefined) return `The Django part is left out: Django could not be installed: ${problem}`;
  const password = keepSecret('demo-password', () => randomBytes(6).toString('hex'));
  keepSecret('secret-key', () => randomBytes(48).toString('base64url'));
  const failure = prepareProject(python, password);
  if (failure !== undefined) return `The Django part is left out: it could not be prepared: ${failure}`;
  writeFileSync(result, JSON.stringify({ python, user: USER, password }), { mode: 0o600 });
  return `Log in to the admin (/django/admin/) as ${USER} with the password ${password}`;
}

/** An interpreter that has Django: `$PYTHON` if that is set; else the one on PATH, Debian's, or one that an earlier start has made. */
function findDjango() {
  const { PYTHON } = process.env;
  const candidates = [...(PYTHON ? [PYTHON] : ['python3', DEBIAN_PYTHON]), environment().python];
  for (const candidate of candidates) {
    const probe = `import django, sqlite3, sys; assert django.VERSION >= ${OLDEST_DJANGO}; print(sys.executable)`;
    const { status, stdout } = capture(candidate, ['-c', probe]);
    if (status === 0) return { python: stdout };
  }
  return undefined;
}

function installDjango() {
  const base = basePython();
  if (!base) return { problem: 'no CPython 3.8 or later on PATH' };
  console.error(`Installing Django for the example, in ${path.relative(repository, data)}: pip install`);
  const venv = environment();
  const problem = venv.makeWithPip(base.executable, requirements);
  if (problem === undefined) return { python: venv.python };
  if (process.env.PYTHON) return { problem };
  const debianProblem = venv.makeFromDebian(['python3-django']);
  return findDjango() ?? { problem: `pip: ${problem}; apt: ${debianProblem ?? 'not importable'}` };
}

function environment() {
  return new VirtualEnvironment(path.join(data, 'venv'));
}

/** The content of a private file of the data, made by the first start. */
function keepSecret(name, make) {
  const file = path.join(data, name);
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const secret = make();
    writeFileSync(file, secret, { mode: 0o600 });
    return secret;
  }
}

/** The problem, or undefined. */
function prepareProject(python, password) {
  const { status, output } = capture(python, [manage, 'prepare', USER], {
    SITE_DATA: data,
    DEMO_PASSWORD: password,
    PYTHONPYCACHEPREFIX: path.join(data, 'pycache'),
  });
  return status === 0 ? undefined : lastLine(output);
}
