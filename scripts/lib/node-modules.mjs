/** Bringing a clone to the point where the program runs: packages installed, sources compiled. What is said goes to stderr. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { repository, runStep } from './run.mjs';

const sources = path.join(repository, 'src');
const compiled = path.join(repository, 'dist');

/** Installs the packages of package-lock.json unless exactly those are there. False if npm failed. */
export function installPackages() {
  if (packagesAreCurrent()) return true;
  console.error('Installing packages: npm ci');
  const quiet = { npm_config_loglevel: 'error', npm_config_update_notifier: 'false' };
  return runStep('npm', ['ci', '--no-audit', '--no-fund'], quiet) === 0;
}

/**
 * Compares the lock file with the record npm keeps of what it installed. By content: a checkout gives
 * every file a new time, and nothing is to be installed for that.
 */
function packagesAreCurrent() {
  const wanted = readLock('package-lock.json');
  const installed = readLock('node_modules/.package-lock.json');
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true;
    // A package for another platform is in the lock file but not on this disk.
    if (!installed[name]) return entry.optional === true;
    return installed[name].version === entry.version;
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(path.join(repository, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Compiles src/ to dist/ and removes what an earlier build left of sources that are gone. */
export function build() {
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  if (runStep(process.execPath, [tsc, '-p', 'tsconfig.build.json']) !== 0) return false;
  const kept = new Set(filesBelow(sources).map((file) => file.replace(/\.ts$/, '')));
  for (const file of filesBelow(compiled)) {
    if (!kept.has(file.replace(/(\.d\.ts|\.js)(\.map)?$/, ''))) rmSync(path.join(compiled, file));
  }
  return true;
}

/** Compiles bench/ to dist-bench/. */
export function buildBenchmark() {
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  return runStep(process.execPath, [tsc, '-p', 'bench/tsconfig.json']) === 0;
}

/** Compiles only if a source, or how to compile it, is newer than the program. */
export function buildIfStale() {
  const main = modifiedAt(path.join(compiled, 'cli/main.js'));
  const inputs = [
    ...filesBelow(sources).map((file) => path.join(sources, file)),
    path.join(repository, 'tsconfig.build.json'),
    path.join(repository, 'package-lock.json'),
  ];
  if (main > 0 && inputs.every((file) => modifiedAt(file) <= main)) return true;
  console.error('Building: tsc -p tsconfig.build.json');
  return build();
}

/** All files below a folder, relative to it; none if there is no such folder. */
function filesBelow(folder) {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)));
  } catch {
    return [];
  }
}

function modifiedAt(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
