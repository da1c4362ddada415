import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { mount } from '../../../src/middleware/mount.js';
import { redirect } from '../../../src/middleware/redirect.js';
import { rewrite } from '../../../src/middleware/rewrite.js';
import { see, startMiddleware } from '../../support/middleware-site.js';

describe('rewrite: what is behind it sees another path, and the target as it was', () => {
  test.each([
    [{ '/old/*': '/new/*' }, '/old/a%20b?c=d', '/new/a%20b', 'c=d'],
    [{ '/blog/:year/:name': '/show?y=1&n=2' }, '/blog/2026/hello?c=d', '/show', 'y=1&n=2&c=d'],
    [{ '/users/:id': '/people/:id' }, '/users/a%3Fb', '/people/a%3fb', ''],
    [{ '/old': '/new' }, '/other', '/other', ''],
    [{ '/*': '/app.php/*' }, '/x//y', '/app.php/x//y', ''],
    [{ '/blog/*': '/blog.php/*?from=rule' }, '/blog/a/b?c=d', '/blog.php/a/b', 'from=rule&c=d'],
    [{ '/x/*': '/y?all=*' }, '/x/a', '/y', 'all=a'],
    [{ '/$': '/home' }, '/?a=b', '/home', 'a=b'],
    [{ '/$': '/home' }, '/x', '/x', ''],
  ] as const)('%j: %s', async (paths, target, path, query) => {
    const { url } = await startMiddleware([rewrite({ paths })]);
    const { seen } = await see(url + target);
    expect([seen.path, seen.query, seen.target]).toEqual([path, query, target]);
  });

  test.each([
    [{}, /^rewrite\.paths: expected an object/],
    [{ paths: { '/a': 'b' } }, /^rewrite\.paths.*\/a.*: expected a path/],
    [{ paths: { '/a': '//b' } }, /^rewrite\.paths.*\/a.*: expected a path/],
    [
      { paths: { '/a/:id': '/b?id=:id' } },
      /^rewrite\.paths.*: expected a target in which :id stands right behind a slash/,
    ],
    [
      { paths: { '/a/:id': '/b/x:id' } },
      /^rewrite\.paths.*: expected a target in which :id stands right behind a slash/,
    ],
    [{ paths: { '/a': '/b#c' } }, /^rewrite\.paths.*\/a.*: expected a path/],
  ])('%j is refused', (options, message) => {
    expect(() => rewrite(options as never)).toThrow(ConfigError);
    expect(() => rewrite(options as never)).toThrow(message);
  });
});

describe('mount: the front of the path becomes SCRIPT_NAME', () => {
  test.each([
    ['/shop/cart?a=b', '/shop', '/cart'],
    ['/shop/', '/shop', '/'],
    ['/shop', '/shop', ''],
    ['/%73hop/x', '/%73hop', '/x'],
  ])('%s', async (target, mounted, path) => {
    const { url } = await startMiddleware([mount({ path: '/shop' })]);
    const { seen } = await see(url + target);
    expect([seen.mount, seen.path]).toEqual([mounted, path]);
  });

  test('rewrite and redirect behind it leave the mount itself alone, which has no path', async () => {
    const paths = { '/$': '/home', '/old': '/new' };
    const { url } = await startMiddleware([
      mount({ path: '/shop' }),
      redirect({ paths: { '/x': '/y' } }),
      rewrite({ paths }),
    ]);
    expect((await see(`${url}/shop`)).seen).toMatchObject({ mount: '/shop', path: '' });
    expect((await see(`${url}/shop/`)).seen).toMatchObject({ mount: '/shop', path: '/home' });
  });

  test('behind another, behind it', async () => {
    const { url } = await startMiddleware([mount({ path: '/a' }), mount({ path: '/b' })]);
    const { seen } = await see(`${url}/a/b/c`);
    expect([seen.mount, seen.path]).toEqual(['/a/b', '/c']);
  });

  test.each(['/', '/shopping', '/other/shop'])('%s is not found', async (target) => {
    const { url } = await startMiddleware([mount({ path: '/shop' })]);
    expect((await fetch(url + target)).status).toBe(404);
  });

  test.each([[{}], [{ path: '/' }], [{ path: 'shop' }], [{ path: '/a/../b' }]])(
    '%j is refused',
    (options) => {
      expect(() => mount(options as never)).toThrow(ConfigError);
      expect(() => mount(options as never)).toThrow('mount.path: expected a path that begins with /');
    },
  );
});
