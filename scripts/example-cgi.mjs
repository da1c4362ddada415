/**
 * `npm run example:cgi`: installs what is missing, builds, compiles the program in C, and serves examples/cgi-bin on 127.0.0.1:8000.
 *
 * Arguments and signals are passed on, as with `npm start`. Without a C compiler the program in C is left out.
 */
// oxlint-disable-next-line import/no-unassigned-import -- ends the program where Node.js is too old
import './lib/node-version.mjs';
import { existsSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { buildIfStale, installPackages } from './lib/node-modules.mjs';
import { repository, runStep, which } from './lib/run.mjs';
import { serve } from './lib/serve.mjs';

const folder = path.join('examples', 'cgi-bin');

if (installPackages() && buildIfStale()) {
  compileForm();
  serve(['cgi', folder, '--dev'], process.argv.slice(2));
} else process.exitCode = 1;

function compileForm() {
  const source = path.join(repository, folder, 'form.c');
  const program = path.join(repository, folder, 'form-c');
  if (existsSync(program) && statSync(program).mtimeMs >= statSync(source).mtimeMs) return;
  if (!which('cc')) {
    console.error('There is no C compiler (cc) on PATH: the form in C is left out');
    return;
  }
  console.error(`Compiling: cc -O2 -o ${path.join(folder, 'form-c')} ${path.join(folder, 'form.c')}`);
  // Under another name first: one that runs cannot be written to, and half a program must not be served.
  const unfinished = `${program}.${process.pid}.tmp`;
  if (runStep('cc', ['-O2', '-o', unfinished, source]) === 0) renameSync(unfinished, program);
}
