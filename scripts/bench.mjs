/**
 * `npm run bench -- COMMAND`: installs what is missing, builds xgi and the benchmark, and runs it in this
 * process. `--no-build` takes xgi as it is built.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const projectDirectory = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);

if (!existsSync(new URL('../node_modules', import.meta.url))) run('npm', ['ci', '--no-audit', '--no-fund']);
if (!args.includes('--no-build')) run('npm', ['run', '--silent', 'build']);
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json']);

const { main } = await import('../dist-bench/main.js');
await main(args);

/** What the step says goes to stderr: stdout is for the tables. */
function run(program, programArgs) {
  const { status } = spawnSync(program, programArgs, { cwd: projectDirectory, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    process.stderr.write(`bench: ${program} ${programArgs.join(' ')} failed\n`);
    process.exit(1);
  }
}
