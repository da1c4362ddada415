/**
 * `npm run bench -- COMMAND`: installs what is missing, builds xgi and the benchmark, and runs it in this
 * process. `--no-build` takes xgi as it is built.
 */
// oxlint-disable-next-line import/no-unassigned-import -- ends the program where Node.js is too old
import './lib/node-version.mjs';
import { build, buildBenchmark, installPackages } from './lib/node-modules.mjs';

const args = process.argv.slice(2);

if (installPackages() && (args.includes('--no-build') || build()) && buildBenchmark()) {
  const { main } = await import('../dist-bench/main.js');
  await main(args);
} else {
  process.exitCode = 1;
}
