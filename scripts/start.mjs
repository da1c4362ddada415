/**
 * `npm start`: installs what is missing, builds, and serves examples/wsgi-hello on 127.0.0.1:8000.
 *
 * Arguments are passed on (`npm start -- -b 127.0.0.1:9000 -w 4`). Signals are passed on too, and the exit
 * status is the server's.
 */
// oxlint-disable-next-line import/no-unassigned-import -- ends the program where Node.js is too old
import './lib/node-version.mjs';
import path from 'node:path';
import { buildIfStale, installPackages } from './lib/node-modules.mjs';
import { serve } from './lib/serve.mjs';

if (installPackages() && buildIfStale())
  serve(['wsgi', path.join('examples', 'wsgi-hello', 'hello.py:application')], process.argv.slice(2));
else process.exitCode = 1;
