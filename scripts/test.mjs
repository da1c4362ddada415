/**
 * `npm test`: installs what is missing, builds, provides what the tests need, and runs every test.
 *
 * With arguments (`npm test -- tests/unit/foo.test.ts`) only vitest runs, with those arguments. The last
 * line of the output is always `N passed, N failed, N skipped`, over vitest, the Python tests of every
 * interpreter, and the check of the Python code (ruff), which counts as one. A part that cannot run counts as one failure. With CI set, anything skipped is a failure.
 */
// oxlint-disable-next-line import/no-unassigned-import -- ends the program where Node.js is too old
import './lib/node-version.mjs';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build, installPackages } from './lib/node-modules.mjs';
import { capture, repository, run, runAndCapture, which } from './lib/run.mjs';

const vitestArguments = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
/** What has failed beside single tests: it is told once more at the end, as it may be far above. */
const brokenParts = [];

const ok = await runEverything();
for (const what of brokenParts) console.log(what);
const strict = Boolean(process.env.CI) && totals.skipped > 0;
if (strict) console.log('CI is set: what is skipped counts as failed');
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = ok && totals.failed === 0 && !strict ? 0 : 1;

async function runEverything() {
  if (!installPackages()) return broken('npm ci failed');
  if (!build()) return broken('the build failed');
  const complete = run(process.execPath, ['scripts/setup-tests.mjs']) === 0;
  if (vitestArguments.length === 0) {
    checkPython();
    await runPythonTests();
  }
  runVitest();
  return complete;
}

function broken(what) {
  console.error(what);
  brokenParts.push(what);
  totals.failed += 1;
  return false;
}

/** Runs vitest and adds up its JSON report; the report is a file, so that the terminal shows the usual one. */
function runVitest() {
  const report = path.join(repository, '.test-env/vitest.json');
  rmSync(report, { force: true });
  const vitest = path.join(repository, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = run(process.execPath, [vitest, 'run', ...reporters, ...vitestArguments]);
  const counted = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  totals.passed += counted?.numPassedTests ?? 0;
  totals.skipped += (counted?.numPendingTests ?? 0) + (counted?.numTodoTests ?? 0);
  const failed = counted?.numFailedTests ?? 0;
  totals.failed += failed;
  // A file that cannot be loaded or an unhandled rejection fails no single test.
  if (status !== 0 && failed === 0) broken(`vitest ended with status ${status}`);
}

/** Runs the linter of the Python code; counts as one test. Why there is none, the set-up has said. */
function checkPython() {
  const { ruff } = JSON.parse(readFileSync(path.join(repository, '.test-env/report.json'), 'utf8'));
  if (ruff === null) {
    totals.skipped += 1;
    return;
  }
  console.log('\nruff check python tests/python examples');
  if (run(ruff, ['check', '--no-cache', 'python', 'tests/python', 'examples']) === 0) totals.passed += 1;
  else broken('ruff check failed');
}

async function runPythonTests() {
  const interpreters = findInterpreters();
  if (interpreters.size === 0) broken('no CPython 3.8 or later on PATH: the Python tests cannot run');
  for (const [version, executable] of interpreters) {
    console.log(`\nPython ${version}: ${executable} -m unittest discover -s tests/python`);
    const env = { PYTHONPATH: path.join(repository, 'python'), PYTHONDONTWRITEBYTECODE: '1' };
    const tests = ['-m', 'unittest', 'discover', '-s', 'tests/python'];
    countUnittest(version, await runAndCapture(executable, tests, env));
  }
}

/** Reads unittest's summary: `Ran 12 tests in 0.1s`, then `OK (skipped=1)` or `FAILED (failures=1, errors=2)`. */
function countUnittest(version, { status, output }) {
  const ran = Number(/^Ran (\d+) tests?/m.exec(output)?.[1] ?? 0);
  const details =
    /^(?:OK|FAILED|NO TESTS RAN)(?: \((?<details>.*)\))?\s*$/m.exec(output)?.groups?.details ?? '';
  const count = (name) => Number(new RegExp(`(?:^|, )${name}=(\\d+)`).exec(details)?.[1] ?? 0);
  const skipped = count('skipped');
  // An error outside a test (in a class fixture) is counted although no test ran.
  const failed = count('failures') + count('errors') + count('unexpected successes');
  totals.skipped += skipped;
  totals.failed += failed;
  totals.passed += Math.max(0, ran - skipped - failed);
  if (ran === 0 && failed === 0) broken(`Python ${version}: no tests ran`);
  else if (status !== 0 && failed === 0) broken(`Python ${version}: unittest ended with status ${status}`);
}

/** One CPython of each minor version from 3.8 on: on PATH, and those that pyenv has installed. */
function findInterpreters() {
  const candidates = ['python3', ...Array.from({ length: 7 }, (_, index) => `python3.${8 + index}`)];
  const installed = which('pyenv') ? path.join(capture('pyenv', ['root']).stdout, 'versions') : '';
  if (existsSync(installed)) {
    candidates.push(...readdirSync(installed).map((version) => path.join(installed, version, 'bin/python3')));
  }
  const probe =
    'import sys; print(sys.executable, sys.implementation.name, *sys.version_info[:2], sep="\\n")';
  const found = new Map();
  for (const candidate of candidates) {
    const { status, stdout } = capture(candidate, ['-c', probe]);
    const [executable, implementation, major, minor] = stdout.split('\n');
    if (status !== 0 || implementation !== 'cpython' || Number(major) !== 3 || Number(minor) < 8) continue;
    const version = `${major}.${minor}`;
    if (!found.has(version)) found.set(version, executable);
  }
  return found;
}
