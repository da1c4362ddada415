/**
 * Source disclosure. Programs hold passwords of databases. An attacker asks for the file in a way in which the server does not know it for a program
 * any more (a slash, a dot or a space at its end, another case, a Range), or for what an editor has left beside it, and is sent the text.
 */
import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { statusesOf } from '../support/http-attack.js';
import { WsgiClient } from '../support/wsgi-client.js';

const site = new CgiSite();
const PYTHON = '#!/usr/bin/env python3\npassword = "SECRET"\nprint("Content-Type: text/plain\\n\\nran")\n';
const SHELL = '#!/bin/sh\n# SECRET\nprintf "Content-Type: text/plain\\n\\nran"\n';
const LEFT_OVER = [
  'page.py~',
  'page.py.bak',
  'page.py.orig',
  'page.py.swp',
  '#page.py#',
  'page.py.save',
  'page.py.old',
  'page.py.tmp',
  'page.py,v',
  'Copy of page.py',
  'page.txt',
  'config.ini',
  'module.py',
  'page.pyc',
  'README',
  'page.py.dpkg-dist',
];
const HIDDEN = ['.page.py.swp', '.htpasswd', '.env', '.git/config'];

beforeAll(async () => {
  site.program('page.py', PYTHON);
  site.program('page.pl', SHELL, 0o644);
  site.program('page.sh.pl', SHELL, 0o644);
  site.program('.pl', SHELL, 0o644);
  site.program('pl', SHELL, 0o644);
  for (const name of [...LEFT_OVER, ...HIDDEN]) site.program(name, PYTHON, 0o644);
  // Executable, and no program.
  site.program('text', 'password = "SECRET"\n');
  site.program('data.json', '{"password": "SECRET"}\n');
  await site.start(['--cgi-interpreter', '.pl=/bin/sh']);
});
afterAll(() => site.destroy());

/** All that the server says. */
async function ask(target: string, { method = 'GET', fields = [] as string[] } = {}): Promise<string> {
  const client = new WsgiClient(site.port);
  client.send(
    `${method} ${target} HTTP/1.1\r\n${['Host: a', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`,
  );
  await client.ended;
  client.close();
  expect(client.text).not.toMatch(/SECRET|#!|password/);
  return client.text;
}

test.each([
  '',
  '/',
  '/.',
  '%20',
  '.',
  '%2e',
  '%00',
  '%0a',
  '::$DATA',
  '%3a%3a$DATA',
  '/x',
  '~',
  '?',
  '?x',
  '%3f',
  ';',
  ';x',
  '\\',
  '%5c',
  '+',
  '%2520',
  '%ff',
  '%c0%80',
  '/%20',
  '//',
  '%2f',
  '*',
  "'",
])('page.py and page.pl with %j behind them', async (ending) => {
  for (const name of ['page.py', 'page.pl', 'page.sh.pl']) await ask(`/${name}${ending}`);
});

test('the program itself is run, so that the others mean something', async () => {
  for (const name of ['page.py', 'page.pl', 'page.sh.pl', 'page.py/', 'page.pl/x'])
    expect(await ask(`/${name}`)).toMatch(/\r\n\r\n[^]*ran/);
});

test.each(LEFT_OVER)('%s, left over beside a program, is a 500 or a 404', async (name) => {
  for (const target of [`/${encodeURIComponent(name)}`, `/${encodeURIComponent(name)}/page.py`])
    expect(await ask(target)).toMatch(/^HTTP\/1\.1 (500|404) /);
});

test.each(HIDDEN)('%s is a 404: nobody learns that it is there', async (name) => {
  const there = await ask(`/${name}`);
  const notThere = await ask(`/.no${name.slice(1)}`);
  expect(there).toMatch(/^HTTP\/1\.1 404 /);
  expect(there.replace(/\r\nDate: .*/, '')).toBe(notThere.replace(/\r\nDate: .*/, ''));
});

test('an executable file that is no program is not sent for that', async () => {
  for (const name of ['text', 'data.json']) expect(await ask(`/${name}`)).toMatch(/^HTTP\/1\.1 500 /);
});

test.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'PROPFIND', 'GETT', 'get'])(
  '%s is for the program to answer',
  async (method) => {
    await ask('/page.py', { method });
    await ask('/page.py~', { method });
  },
);

test.each([
  [['Range: bytes=0-100']],
  [['Range: bytes=-100']],
  [['Range: bytes=0-1,5-6']],
  [['If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT']],
  [['If-None-Match: *']],
  [['Accept-Encoding: gzip']],
  [['Translate: f']],
  [['X-Sendfile: page.py']],
  [['X-Accel-Redirect: /page.py']],
  [['X-HTTP-Method-Override: GET']],
])('with %j', async (fields) => {
  expect(statusesOf(await ask('/page.py', { fields }))).toEqual([200]);
  await ask('/page.py~', { fields });
  await ask('/config.ini', { fields });
});

test('the ending of an interpreter is the end of a name, and not the whole of it', async () => {
  // `.pl` alone is a hidden file; `pl` has no ending, and is not executable.
  expect(await ask('/.pl')).toMatch(/^HTTP\/1\.1 404 /);
  expect(await ask('/pl')).toMatch(/^HTTP\/1\.1 500 /);
  for (const target of ['/page.PL', '/page.pl%20', '/page.plx', '/page.pl.', '/page%2epl%00.py'])
    expect(await ask(target)).toMatch(/^HTTP\/1\.1 40[04] /);
});

test('a program that has just lost its bit is not sent, nor one that has got a new content', async () => {
  for (let i = 0; i < 3; i++) {
    chmodSync(site.file('cgi-bin/page.py'), 0o644);
    expect(await ask('/page.py')).toMatch(/^HTTP\/1\.1 500 /);
    chmodSync(site.file('cgi-bin/page.py'), 0o755);
    expect(await ask('/page.py')).toMatch(/ran/);
  }
});

test('odd endings are refused at the start, or match what they say', async () => {
  for (const entry of [
    'pl=/bin/sh',
    '=/bin/sh',
    '.=/bin/sh',
    '.pl',
    '.pl=',
    './pl=/bin/sh',
    '.p/l=/bin/sh',
    '.pl=/no/such/program',
    '.pl=/etc/passwd',
    '.pl=/bin',
  ]) {
    const other = new CgiSite();
    const server = other.spawn(['--cgi-interpreter', entry]);
    const { code } = await server.exited;
    expect([entry, code]).toEqual([entry, 2]);
    expect(server.stderr).toContain('--cgi-interpreter');
    await other.destroy();
  }
});
