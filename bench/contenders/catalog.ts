/** Every contender by name, in the order of the tables. */
import type { Contender } from './contender.js';
import { granian } from './granian.js';
import { gunicornGthread, gunicornNewGthread, gunicornNewSync, gunicornSync } from './gunicorn.js';
import { nginxUwsgi, nginxUwsgiGuarded } from './nginx-uwsgi.js';
import { uwsgi, uwsgiDebian } from './uwsgi.js';
import { waitress } from './waitress.js';
import { xgi } from './xgi.js';
import { xgiMiddleware } from './xgi-middleware.js';

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

/** In front of a hello: five middleware, none, and what nginx has for it. */
export const middlewareContenders: readonly Contender[] = [xgiMiddleware, xgi, nginxUwsgiGuarded];
