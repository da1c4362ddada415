/** Every contender by name, in the order of the tables. */
import type { Contender } from './contender.js';
import { granian } from './granian.js';
import { gunicornGthread, gunicornNewGthread, gunicornNewSync, gunicornSync } from './gunicorn.js';
import { nginxUwsgi } from './nginx-uwsgi.js';
import { uwsgi, uwsgiDebian } from './uwsgi.js';
import { waitress } from './waitress.js';
import { xgi } from './xgi.js';

export const contenders: readonly Contender[] = [
  xgi,
  uwsgi,
  uwsgiDebian,
  nginxUwsgi,
  gunicornSync,
  gunicornGthread,
  gunicornNewSync,
  gunicornNewGthread,
  granian,
  waitress,
];

/** Those that can be asked for TLS. */
export const tlsContenders: readonly Contender[] = [xgi, nginxUwsgi];
