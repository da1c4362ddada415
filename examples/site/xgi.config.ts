/**
 * One server for static pages, a Django project, CGI programs and a TypeScript API.
 *
 *     npm start                                   prepares the Django part, then serves all of it
 *     xgi -c examples/site/xgi.config.ts          serves what is prepared
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'xgi';

/** What `npm start` has made: the database, the secret key, the admin's style sheets. */
const data = path.resolve(process.env['SITE_DATA'] ?? path.join(import.meta.dirname, 'data'));

/** The interpreter that has Django, and the demo user; undefined until there is one. */
const django = readDjango();

export default defineConfig({
  // A page that is open keeps its clock, and a server that ends would wait for that.
  gracefulTimeout: '3s',
  apps: {
    pages: { kind: 'static', target: './public', cacheControl: { '/': 'no-cache' } },
    programs: { kind: 'cgi', target: './cgi-bin' },
    api: { kind: 'app', target: './api.ts' },
    ...(django && {
      library: {
        target: 'library.wsgi',
        chdir: './library',
        python: django.python,
        workers: 2,
        env: { SITE_DATA: data, PYTHONPYCACHEPREFIX: path.join(data, 'pycache') },
      },
      'library-static': {
        kind: 'static',
        target: path.join(data, 'static'),
        cacheControl: { '/': 'max-age=3600' },
      },
    }),
  },
  routes: [
    { app: 'pages' },
    { path: '/cgi-bin', app: 'programs' },
    { path: '/api', app: 'api' },
    ...(django
      ? [
          { path: '/django', app: 'library' },
          { path: '/django/static', app: 'library-static' },
        ]
      : [{ path: '/django', redirect: '/no-django.html' }]),
    // Browsers ask for it where a page names no icon, as those of the admin.
    { path: '/favicon.ico', redirect: '/icon.svg' },
    // For the front page: what is there, and who may log in.
    {
      path: '/site.json',
      respond: {
        headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
        body: JSON.stringify({
          django: django && { user: django.user, password: django.password },
          perl: existsSync('/usr/bin/perl'),
        }),
      },
    },
  ],
});

function readDjango(): { python: string; user: string; password: string } | undefined {
  const file = path.join(data, 'django.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
