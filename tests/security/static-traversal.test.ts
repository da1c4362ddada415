/**
 * Path traversal. The client writes a path that means a file outside of the root (`/../../etc/passwd`), hides the dots from whoever looks for
 * them (`%2e`, `%252e`, a backslash, an overlong form), or cuts a name off with a NUL.
 */
import { afterAll, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const folder = new StaticFolder({
  'index.html': 'home',
  'sub/a.txt': 'a',
  '../secret.txt': 'SECRET',
  '../root-of-others/secret.txt': 'SECRET',
});
afterAll(() => folder.remove());

const UP = ['..', '%2e%2e', '.%2e', '%2E.', '..;', '%252e%252e', '%c0%ae%c0%ae', '..%00', '..%5c', '..\\'];

test.each([
  ...UP.flatMap((up) => [`/${up}/secret.txt`, `/sub/${up}/${up}/secret.txt`, `/${up}%2fsecret.txt`]),
  '//../secret.txt',
  '/../root-of-others/secret.txt',
  '/%2e%2e%2f%2e%2e%2fetc/passwd',
  '/etc/passwd',
  '//etc/passwd',
  '/secret.txt%00.html',
  '/index.html%00',
  '/sub%00/a.txt',
  '/sub\\a.txt',
  '/sub%5ca.txt',
  '/sub%2fa.txt',
  '/./index.html',
  '/%',
  '/%zz',
  `/${'a'.repeat(3000)}`,
  `/${'a/'.repeat(1500)}`,
])('%.60s', async (target) => {
  const { get } = await folder.serve({ listing: true, precompressed: true, spa: '/index.html' });
  const { status, body } = await get(target);
  expect([400, 404]).toContain(status);
  expect(body.toString()).not.toMatch(/SECRET|root:/);
  expect(body.toString()).not.toContain(folder.directory);
});
