/**
 * `npm start`: installs what is missing, builds, and serves examples/site on 127.0.0.1:8000.
 *
 * Arguments are passed on (`npm start -- -b 127.0.0.1:9000`). Signals are passed on too, and the exit
 * status is the server's. Where Django cannot be had, the site is served without that part.
 */
// oxlint-disable-next-line import/no-unassigned-import -- ends the program where Node.js is too old
import './lib/node-version.mjs';
import path from 'node:path';
import { prepareExampleSite } from './lib/example-site.mjs';
import { buildIfStale, installPackages } from './lib/node-modules.mjs';
import { serve } from './lib/serve.mjs';

if (installPackages() && buildIfStale()) {
  const note = prepareExampleSite();
  serve(['-c', path.join('examples', 'site', 'xgi.config.ts')], process.argv.slice(2), note);
} else process.exitCode = 1;
