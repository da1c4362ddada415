/**
 * Shell metacharacters. What a client sends reaches a shell script as variables. A server that builds a command line of any of it, or hands
 * it to a shell, runs what the client wrote; so did bash, out of any variable that looked like a function (Shellshock, CVE-2014-6271).
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

const site = new CgiSite();

beforeAll(() => site.start(['--cgi-index-query', 'arguments.sh']));
afterAll(() => site.destroy());

const ATTACKS = [
  '; touch ../notes/proof',
  '$(touch ../notes/proof)',
  '`touch ../notes/proof`',
  '| touch ../notes/proof',
  '& touch ../notes/proof &',
  '&& touch ../notes/proof',
  '|| touch ../notes/proof',
  '> ../notes/proof',
  '"; touch ../notes/proof; "',
  "'; touch ../notes/proof; '",
  '${IFS}$(touch${IFS}../notes/proof)',
  '() { :; }; touch ../notes/proof',
  '() { _; } >_[$($())] { touch ../notes/proof; }',
  'BASH_FUNC_x%%=() { touch ../notes/proof; }',
  '<(touch ../notes/proof)',
  '%s%n%x',
  '-e touch',
  '--help',
  '* ? [a-z] ~root {a,b}',
  '!!',
  '\\$(touch ../notes/proof)\\',
];

/** As a client may write it in a path or a query. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/%(20|2F)/g, (escape) => (escape === '%2F' ? '.' : escape));
}

test.each(ATTACKS)('%s is text, in every variable that a client has a say in', async (attack) => {
  const headers = ['X-Attack', 'User-Agent', 'Cookie', 'Referer', 'Content-Type'].map(
    (name) => `${name}: ${attack}`,
  );
  const path = `/variables.sh/${encoded(attack).replaceAll('%5C', '')}`;
  const { status, body } = await site.get(`${path}?${encoded(attack)}`, { headers });
  expect(status).toBe(200);
  // Whole and unchanged: in quotes, in the order of the script.
  const lines = body.toString().split('\n');
  expect([4, 5, 6, 7, 10].map((line) => lines[line])).toEqual([attack, attack, attack, attack, attack]);
  expect(lines[0]).toBe(encoded(attack));
  const bash = await site.get(`/variables.bash?${encoded(attack)}`, { headers });
  expect(bash.body.toString()).toBe(`${attack}\n${attack}\n${encoded(attack)}\n`);
  expect(site.notes('proof')).toEqual([]);
});

test.each(ATTACKS)('%s as an argument is one argument', async (attack) => {
  if (attack.includes('=')) return;
  const word = encodeURIComponent(attack);
  const { body } = await site.get(`/arguments.sh?${word}`);
  expect(body.toString()).toBe(`[${attack}]\n`);
  expect(site.notes('proof')).toEqual([]);
});

test.each(ATTACKS)('%s as a method, a host or a protocol never gets so far, or is text', async (attack) => {
  for (const [method, host] of [
    [attack.replaceAll(/[^!#$%&'*+.^_`|~A-Za-z0-9-]/g, ''), 'a'],
    ['GET', attack],
  ] as const) {
    if (method === '') continue;
    const { status, body } = await site.get('/variables.sh', {
      method,
      headers: [`X-Forwarded-Host: ${host}`],
    });
    expect([200, 400, 501]).toContain(status);
    if (status === 200) expect(body.toString().split('\n')).toContain(method);
  }
  expect(site.notes('proof')).toEqual([]);
});

test('names of programs with such characters run no shell either', async () => {
  for (const [i, name] of [
    'a;touch proof.sh',
    '$(touch proof).sh',
    '`touch proof`.sh',
    "a'b.sh",
    'a"b.sh',
    '-rf.sh',
    'a b.sh',
  ].entries()) {
    site.program(
      name,
      `#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nprogram ${i}: '; printf '%s' "$0"\n`,
    );
    const { status, body } = await site.get(`/${encodeURIComponent(name)}`);
    expect([status, body.toString()]).toEqual([200, `program ${i}: ${site.file(`cgi-bin/${name}`)}`]);
  }
  expect((await site.get('/proof')).status).toBe(404);
});
