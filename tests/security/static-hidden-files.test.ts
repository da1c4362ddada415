/** What people keep beside their files and not for others: `.git/config` with a password, `.env`, `.htpasswd`. */
import { afterAll, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const folder = new StaticFolder({
  '.env': 'SECRET',
  '.git/config': 'SECRET',
  'sub/.htpasswd': 'SECRET',
  '.hidden/index.html': 'SECRET',
  '.well-known/acme': 'for all',
  '.well-known/.private': 'SECRET',
});
afterAll(() => folder.remove());

test.each([
  '/.env',
  '/%2eenv',
  '/.git/config',
  '/.git/',
  '/.git',
  '/sub/.htpasswd',
  '/.hidden/',
  '/.well-known/.private',
])('%s: 404, and no sign that it is there', async (target) => {
  const { get } = await folder.serve({ listing: true });
  const { status, body, headers } = await get(target);
  expect([status, headers.has('location')]).toEqual([404, false]);
  const absent = await get('/absent');
  expect(body.toString()).toBe(absent.body.toString());
});

test('no listing names them, and .well-known is served', async () => {
  const { get } = await folder.serve({ listing: true });
  expect((await get('/')).body.toString()).not.toMatch(/\.env|\.git|\.hidden/);
  expect((await get('/.well-known/acme')).body.toString()).toBe('for all');
});
