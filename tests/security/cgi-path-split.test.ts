/**
 * Where the program ends and PATH_INFO begins (the nginx and PHP mistake: `/uploads/picture.jpg/x.php` ran the picture). An attacker uploads a
 * file that is no program and asks for `/upload.txt/b.cgi`: a server that looks at endings, or that looks for the last file, runs
 * or serves what it must not.
 */
import { symlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

const site = new CgiSite();

beforeAll(async () => {
  site.program('upload.txt', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nSECRET\\n"\n', 0o644);
  site.program(
    'folder.cgi/inner.sh',
    '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$SCRIPT_NAME|$PATH_INFO\\n"\n',
  );
  site.program(
    'folder.cgi/b',
    '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$SCRIPT_NAME|$PATH_INFO\\n"\n',
  );
  site.program('folder', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$SCRIPT_NAME|$PATH_INFO\\n"\n');
  symlinkSync('upload.txt', site.file('cgi-bin/link.txt'));
  await site.start(['--cgi-interpreter', '.cgi=/bin/sh', '--cgi-interpreter', '.php=/bin/sh']);
});
afterAll(() => site.destroy());

test.each([
  '/upload.txt',
  '/upload.txt/b.cgi',
  '/upload.txt/b.php',
  '/upload.txt/hello.sh',
  '/upload.txt/',
  '/upload.txt/x/hello.sh',
  '/upload.txt;b.cgi',
  '/upload.txt%3f.cgi',
  '/link.txt/b.cgi',
  '/upload.txt.cgi',
  '/upload.txt?b.cgi',
])('a file that is no program is neither run nor sent: %s', async (target) => {
  const { status, body } = await site.get(target);
  expect([404, 500]).toContain(status);
  expect(body.toString()).not.toMatch(/SECRET|#!/);
});

test('the first file on the path is the program, the rest is PATH_INFO, whatever it looks like', async () => {
  for (const info of ['/b.cgi', '/folder.cgi/inner.sh', '/hello.sh', '/', '/x.php/y'])
    expect((await site.get(`/folder${info}`)).body.toString()).toBe(`/folder|${info}\n`);
  expect((await site.get('/folder.cgi/inner.sh/hello.sh')).body.toString()).toBe(
    '/folder.cgi/inner.sh|/hello.sh\n',
  );
  expect((await site.get('/folder.cgi/b/c')).body.toString()).toBe('/folder.cgi/b|/c\n');
});

test('the mapped ending of a folder, or of PATH_INFO, runs nothing', async () => {
  for (const target of ['/folder.cgi', '/folder.cgi/', '/folder.cgi/missing.cgi', '/missing/b.cgi'])
    expect((await site.get(target)).status).toBe(404);
});

test('SCRIPT_NAME and PATH_INFO, put together, are the path again', async () => {
  for (const target of [
    '/report.py',
    '/report.py/',
    '/report.py/a',
    '/report.py/a/',
    '/report.py/a%20b%3fc/d',
  ]) {
    const { env } = await site.report(target);
    expect(env['SCRIPT_NAME']! + env['PATH_INFO']!).toBe(decodeURIComponent(target));
    expect(env['SCRIPT_NAME']).toBe('/report.py');
  }
});
