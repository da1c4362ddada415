/**
 * `npm run chaos -- [SCENARIO ...]`: installs what is missing, builds xgi and the suite, and runs it in this process. `--no-build`
 * takes xgi as it is built.
 */
// oxlint-disable-next-line import/no-unassigned-import -- ends the program where Node.js is too old
import './lib/node-version.mjs';
import path from 'node:path';
import { build, installPackages } from './lib/node-modules.mjs';
import { repository, runStep } from './lib/run.mjs';

const args = process.argv.slice(2);

if (installPackages() && (args.includes('--no-build') || build()) && buildSuite()) {
  const { main } = await import('../dist-chaos/chaos/main.js');
  await main(args);
} else {
  process.exitCode = 1;
}

/** Compiles chaos/, and what it takes from bench/, to dist-chaos/. */
function buildSuite() {
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  return runStep(process.execPath, [tsc, '-p', 'chaos/tsconfig.json']) === 0;
}
