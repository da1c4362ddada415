/** Who may put a link into the root has the server read files for him that he cannot read: `ln -s /etc/shadow notes.txt`. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const folder = new StaticFolder({
  'a.txt': 'inside',
  'a.js': 'script',
  '../secret.txt': 'SECRET',
  '../root-of-others/secret.txt': 'SECRET',
  '../others/index.html': 'SECRET',
});
folder.link('out.txt', '../secret.txt');
folder.link('absolute.txt', path.join(folder.directory, 'secret.txt'));
folder.link('others', '../others');
folder.link('neighbour', '../root-of-others');
folder.link('chain.txt', 'out.txt');
folder.link('circle', 'circle');
folder.link('dead', 'nowhere');
folder.link('a.js.gz', '../secret.txt');
folder.link('404.html', '../secret.txt');
folder.link('device', '/dev/zero');
folder.link('in.txt', 'a.txt');
execFileSync('mkfifo', [path.join(folder.root, 'fifo')]);
afterAll(() => folder.remove());

test.each([
  '/out.txt',
  '/absolute.txt',
  '/others/',
  '/others/index.html',
  '/neighbour/secret.txt',
  '/chain.txt',
  '/circle',
  '/dead',
  '/device',
  '/fifo',
  '/404.html',
])('%s: 404', async (target) => {
  const { get } = await folder.serve({ listing: true });
  const { status, body } = await get(target);
  expect(status).toBe(404);
  expect(body.toString()).not.toContain('SECRET');
});

test('nor as the compressed form of a file', async () => {
  const { get } = await folder.serve({ precompressed: true });
  expect((await get('/a.js', ['Accept-Encoding: gzip'])).body.toString()).toBe('script');
});

test('a link that stays inside is followed', async () => {
  const { get } = await folder.serve();
  expect((await get('/in.txt')).body.toString()).toBe('inside');
});
