/**
 * Log injection. What a program writes to its standard error comes, often enough, from a client: `warning: no user "alice"`. With a line end, or
 * a sequence that moves the cursor, the client writes lines of the log itself, or has the terminal of who reads it do things.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

let site: CgiSite;

beforeEach(async () => {
  site = await new CgiSite().start();
});
afterEach(() => site.destroy());

const FAKE = '[2026-01-01 00:00:00 +0000] [1] [CRITICAL] XGI_FAKE: all is lost';
const PREFIX = /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[(INFO|WARNING|ERROR)\] /;

/** Every line of the log: with our prefix, or indented below one that has it. */
function expectOwnLines(): void {
  for (const line of site.log.trimEnd().split('\n')) {
    expect(line).toMatch(/^( {4}|\[)/);
    if (line.startsWith('[')) expect(line).toMatch(PREFIX);
    expect(line).not.toMatch(/^\[[^\]]*\] \[1\]/);
  }
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  expect(site.log).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
}

test.each([
  ['a line that looks like one of ours', `${FAKE}\n`],
  ['CR, which hides what stands before it', `honest\r${FAKE}\n`],
  ['CR LF', `honest\r\n${FAKE}\r\n`],
  ['escape sequences', '\x1b[2J\x1b[1;1H\x1b]0;title\x07\x9b2J\n'],
  ['NUL, backspace, vertical tab, form feed', 'a\0b\x08c\x0bd\x0ce\n'],
  ['line separators', 'a\u2028' + `${FAKE}\u2029b\n`],
  ['text that runs from right to left', 'a\u202egnp.exe\u2066b\n'],
  ['NEL', `a\u0085${FAKE}\n`],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a, 0xc0, 0x8a, 0x5b, 0x0a])],
  ['no line end', FAKE],
  ['format directives', '%s %d %j %o %n\n'],
  ['a line that begins with white space', `    ${FAKE}\n`],
])('%s', async (_name, text) => {
  site.write('outputs/text', text);
  // First beside an answer, as lines of the log; then as the last words of one that fails, as a detail of its error.
  for (const status of [0, 1]) expect((await site.get(`/complains.sh/text?${status}`)).status).toBe(502);
  await site.logged(/\[ERROR\] XGI_CGI_EXIT/);
  expectOwnLines();
  if (typeof text === 'string' && text.includes('XGI_FAKE')) expect(site.log).toContain('XGI_FAKE');
});

test('what a program prints instead of a head is quoted', async () => {
  for (const text of [`\x1b[2J${FAKE}\n`, `${FAKE}\r\n\r\n`, 'a\u202e\u2028b\n\n', `"\\"${FAKE}`])
    await site.get(site.output('text', Buffer.from(text).toString('latin1')));
  await site.logged(/\[ERROR\] XGI_CGI_BAD_HEAD/);
  expectOwnLines();
});

test('neither a path, a query nor the name of a program begins a line', async () => {
  for (const target of [
    '/%0a[1]',
    '/x%0d%0a',
    '/missing%1b[2J',
    '/hello.sh?%0a[1]',
    '/%e2%80%ae',
    '/a%c2%85b',
  ])
    await site.get(target);
  site.program('odd \u202ename.sh', '#!/bin/sh\necho words >&2\n');
  await site.get(`/${encodeURIComponent('odd \u202ename.sh')}`);
  await site.logged(/words/);
  expectOwnLines();
});

test('a redirect of a program, and a file that it wants sent, are quoted', async () => {
  site.program('loops.sh', '#!/bin/sh\nprintf "Location: /loops.sh?\\377\\n\\n"\n');
  await site.get('/loops.sh');
  await site.get(site.output('file', `X-Sendfile: /\u00ff${FAKE}\nContent-Type: a/b\n\n`));
  await site.logged(/XGI_SENDFILE_REFUSED/);
  await site.logged(/XGI_CGI_REDIRECTS/);
  expectOwnLines();
});
