/**
 * Path traversal. The client writes a path that means a file outside of the folder of programs, to run `/bin/sh` (CVE-2021-41773 was that:
 * `/cgi-bin/.%2e/%2e%2e/bin/sh`), or one inside that nobody was to ask for. What is decoded twice, or read as a path by one and as
 * a name by the other, is the way in.
 */
import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { WsgiClient } from '../support/wsgi-client.js';

const site = new CgiSite();
const PROOF =
  '#!/bin/sh\ntouch ../notes/proof ../../notes/proof 2>/dev/null\nprintf "Content-Type: text/plain\\n\\nSECRET\\n"\n';

beforeAll(async () => {
  // Outside of the root, in the folder above it, and executable: what the attacker wants to run.
  site.write('outside/tool.sh', PROOF, 0o755);
  site.write('tool.sh', PROOF, 0o755);
  // A folder whose name begins as that of the root does.
  site.write('cgi-bin-old/tool.sh', PROOF, 0o755);
  site.program('.hidden.sh', PROOF);
  site.program('.git/tool.sh', PROOF);
  site.program('folder/tool.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nin the folder\\n"\n');
  symlinkSync(site.file('outside/tool.sh'), site.file('cgi-bin/link.sh'));
  symlinkSync('../outside', site.file('cgi-bin/linked'));
  symlinkSync('/bin', site.file('cgi-bin/bin'));
  symlinkSync('..', site.file('cgi-bin/up'));
  symlinkSync('../cgi-bin-old/tool.sh', site.file('cgi-bin/old.sh'));
  symlinkSync('loop-b', site.file('cgi-bin/loop-a'));
  symlinkSync('loop-a', site.file('cgi-bin/loop-b'));
  symlinkSync('folder/tool.sh', site.file('cgi-bin/inside.sh'));
  mkdirSync(site.file('cgi-bin/empty'));
  await site.start();
});
afterAll(() => site.destroy());

/** Through no library that tidies the target up. */
async function ask(target: string): Promise<{ status: number; text: string }> {
  const client = new WsgiClient(site.port);
  client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  await client.ended;
  client.close();
  return { status: Number(client.text.split(' ')[1]), text: client.text };
}

async function expectNothing(target: string, statuses: readonly number[] = [400, 404]): Promise<void> {
  const { status, text } = await ask(target);
  expect(statuses, `${target}: ${text}`).toContain(status);
  expect(text).not.toContain('SECRET');
  expect(text).not.toContain(site.directory);
  expect(site.notes('proof')).toEqual([]);
}

const UP = [
  '..',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '..%00',
  '..;',
  '..;x=y',
  '%252e%252e',
  '%c0%ae%c0%ae',
  '%uff0e%uff0e',
  '...',
  '..%20',
  '..%09',
  '..%0a',
  '%2e%2e%5c',
  '..\\',
];
const SLASHES = ['/', '//', '%2f', '%2F', '%5c', '\\', '%252f', '%c0%af', '/./', '/%2e/', ';/'];

describe('out of the root, and into it again', () => {
  test.each(UP.flatMap((up) => SLASHES.map((slash) => [up, slash])))('%s, %s', async (up, slash) => {
    await expectNothing(`/${up}${slash}tool.sh`);
    await expectNothing(`/folder${slash}${up}${slash}${up}${slash}tool.sh`);
    await expectNothing(`/${up}${slash}outside${slash}tool.sh`);
    await expectNothing(`/${up}${slash}cgi-bin-old${slash}tool.sh`);
    await expectNothing(`/${up}${slash}${up}${slash}${up}${slash}${up}${slash}bin${slash}sh`);
  });
});

test.each(['/etc/passwd', '//etc/passwd', '/%2fetc%2fpasswd', '/file:///etc/passwd', '/~root/.profile'])(
  'an absolute path: %s',
  (target) => expectNothing(target),
);

test('a NUL does not cut a name off', async () => {
  await expectNothing('/hello.sh%00', [400]);
  await expectNothing('/hello.sh%00.txt', [400]);
  await expectNothing('/.hidden.sh%00', [400]);
  await expectNothing('/hello.sh/%00', [400]);
});

test.each([
  '/link.sh',
  '/linked/tool.sh',
  '/linked',
  '/linked/',
  '/bin/sh',
  '/bin/echo/SECRET',
  '/up/tool.sh',
  '/up/cgi-bin/../tool.sh',
  '/old.sh',
  '/loop-a',
  '/loop-a/tool.sh',
])('a symbolic link that leads out of the root: %s', (target) => expectNothing(target));

test('a link inside of the root is followed', async () => {
  expect(await ask('/inside.sh')).toMatchObject({
    status: 200,
    text: expect.stringContaining('in the folder'),
  });
});

test.each([
  '/.hidden.sh',
  '/.git/tool.sh',
  '/%2egit/tool.sh',
  '/folder/.git/x',
  '/.',
  '/./hello.sh',
  '/folder/./tool.sh',
  '/.%2fhello.sh',
])('hidden: %s', (target) => expectNothing(target));

test.each(['//hello.sh', '///hello.sh', '/folder//tool.sh', '//folder/tool.sh'])(
  'empty segments are not passed over, so that no rule for a path misses it: %s',
  (target) => expectNothing(target),
);

test.each(['/folder', '/folder/', '/empty/', '/', '/?x'])('a folder is not listed: %s', async (target) => {
  const { status, text } = await ask(target);
  expect([status, text.includes('.sh')]).toEqual([404, false]);
});

test('no case is folded, and nothing is trimmed', async () => {
  for (const target of [
    '/HELLO.SH',
    '/hello.Sh',
    '/hello.sh%20',
    '/%20hello.sh',
    '/hello.sh.',
    '/hello.sh%2e',
    '/hello.sh::$DATA',
    '/hello.sh%0a',
    '/hello',
  ])
    await expectNothing(target);
});

test('PATH_INFO is a path that leads nowhere up: PATH_TRANSLATED stays below the root', async () => {
  for (const info of ['/../../etc/passwd', '/%2e%2e/etc/passwd', '/a/../../b', '/..', '/%2fetc', '/a%5cb'])
    await expectNothing(`/report.py${info}`);
  const { env } = await site.report('/report.py/a%20b/c..d');
  expect(env).toMatchObject({
    PATH_INFO: '/a b/c..d',
    PATH_TRANSLATED: path.join(site.programs, 'a b/c..d'),
    DOCUMENT_ROOT: site.programs,
  });
});

test('an absolute target is no way round', async () => {
  await expectNothing('http://a/../tool.sh');
  await expectNothing('http://a/%2e%2e/tool.sh');
  await expectNothing('http://a//etc/passwd');
});

test('a local redirect of a program is resolved as strictly', async () => {
  for (const location of [
    '/../tool.sh',
    '/%2e%2e/tool.sh',
    '/linked/tool.sh',
    '/.hidden.sh',
    '/hello.sh%00',
    '/..%2ftool.sh',
  ])
    await expectNothing(`/redirects.sh?${location}`, [404, 502]);
});

test('a hard link is a file like any other: who may write to the folder decides', async () => {
  linkSync(site.file('cgi-bin/folder/tool.sh'), site.file('cgi-bin/hard.sh'));
  expect((await ask('/hard.sh')).status).toBe(200);
});

test('a mount is compared by whole segments, decoded once', async () => {
  const mounted = new CgiSite();
  try {
    await mounted.start(['--mount', '/cgi-bin']);
    const statusOf = async (target: string): Promise<number> => {
      const client = new WsgiClient(mounted.port);
      client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      await client.ended;
      return Number(client.text.split(' ')[1]);
    };
    expect(await statusOf('/cgi-bin/hello.sh')).toBe(200);
    expect(await statusOf('/cgi%2Dbin/hello.sh')).toBe(200);
    for (const target of [
      '/hello.sh',
      '/cgi-binary/hello.sh',
      '/cgi-binhello.sh',
      '/cgi-bin%2fhello.sh',
      '/cgi-bin%252fhello.sh',
      '//cgi-bin/hello.sh',
      '/x/../cgi-bin/hello.sh',
      '/cgi-bin//hello.sh',
      '/CGI-BIN/hello.sh',
      '/cgi%252Dbin/hello.sh',
    ])
      expect([target, [400, 404].includes(await statusOf(target))]).toEqual([target, true]);
  } finally {
    await mounted.destroy();
  }
});
