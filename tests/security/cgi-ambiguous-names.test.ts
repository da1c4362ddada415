/**
 * Names that become the same variable. `X-User`, `X_User` and `X.User` would all be HTTP_X_USER: a proxy in front strips `X-User` from what
 * clients send and sets its own; the client sends `X_User`, the proxy lets it pass, and the program believes it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

const site = new CgiSite();

beforeAll(() => site.start());
afterAll(() => site.destroy());

test.each([
  'X_User',
  'X.User',
  'x_user',
  'X_USER',
  'x.user',
  "X'User",
  'X~User',
  'X`User',
  'X!User',
  'X|User',
  'X+User',
])('%s is no variable, and does not touch that of X-User', async (name) => {
  const alone = await site.report('/report.py', { headers: [`${name}: evil`] });
  expect(Object.entries(alone.env).filter(([, value]) => value.includes('evil'))).toEqual([]);
  for (const headers of [
    [`${name}: evil`, 'X-User: proxy'],
    ['X-User: proxy', `${name}: evil`],
  ]) {
    const { env } = await site.report('/report.py', { headers });
    expect(env['HTTP_X_USER']).toBe('proxy');
  }
});

test('a field cannot set or change a variable that the server computes', async () => {
  const honest = await site.report('/report.py/info?q=1');
  const names = Object.keys(honest.env).filter((name) => !/^(HTTP_|REMOTE_PORT$|UNIQUE_ID$)/.test(name));
  expect(names).toContain('SCRIPT_FILENAME');
  const headers = names.flatMap((name) => [`${name}: evil`, `${name.replaceAll('_', '-')}: evil`]);
  const { env } = await site.report('/report.py/info?q=1', {
    headers: headers.filter((line) => !/^(CONTENT-LENGTH|PATH:)/.test(line)),
  });
  for (const name of names) expect([name, env[name]]).toEqual([name, honest.env[name]]);
  for (const name of ['AUTH_TYPE', 'REMOTE_USER', 'CONTENT_LENGTH', 'HTTPS', 'REDIRECT_URL'])
    expect([name, env[name]]).toEqual([name, undefined]);
});

test.each([
  ['Remote-User: admin', 'REMOTE_USER'],
  ['Auth-Type: Basic', 'AUTH_TYPE'],
  ['Https: on', 'HTTPS'],
  ['Redirect-Status: 500', 'REDIRECT_URL'],
  ['Ld-Preload: /tmp/evil.so', 'LD_PRELOAD'],
])('%s sets a variable with HTTP_ in front only', async (field, name) => {
  const { env } = await site.report('/report.py', { headers: [field] });
  expect(env[name]).toBeUndefined();
  const [fieldName = '', value] = field.split(': ');
  expect(env[`HTTP_${fieldName.toUpperCase().replaceAll('-', '_')}`]).toBe(value);
});

test('Content-Length, Transfer-Encoding and credentials are no HTTP_ variables', async () => {
  const { env } = await site.report('/report.py', {
    method: 'POST',
    body: 'x',
    headers: ['Authorization: Basic c2VjcmV0', 'Proxy-Authorization: Basic c2VjcmV0', 'Content-Type: a/b'],
  });
  expect(env).toMatchObject({ CONTENT_LENGTH: '1', CONTENT_TYPE: 'a/b' });
  const found = Object.keys(env).filter((name) => /^HTTP_(CONTENT_|TRANSFER|.*AUTHORIZATION)/.test(name));
  expect(found).toEqual([]);
  expect(JSON.stringify(env)).not.toContain('c2VjcmV0');
});

test('a value with all bytes that HTTP allows arrives as it was, and ends no variable', async () => {
  const bytes = Array.from({ length: 256 - 33 }, (_, i) => i + 33).filter((code) => code !== 0x7f);
  const value = String.fromCharCode(...bytes);
  const { env } = await site.report('/report.py', { headers: [`X-All: ${value}`] });
  expect(env['HTTP_X_ALL']).toBe(value);
});
