import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInside, resolvePath, type ResolvedPath } from '../../../src/routing/path-resolver.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

const folder = makeTempDir();
const root = `${folder}/root`;
const server = createServer();

/** The tree that all tests look at; `root2` and `secret` are outside. */
beforeAll(async () => {
  for (const name of ['root/cgi/deep', 'root/.git', 'root/.well-known', 'root/empty', 'root2', 'outside'])
    mkdirSync(`${folder}/${name}`, { recursive: true });
  for (const name of [
    ...[
      'root/index.html',
      'root/cgi/report.pl',
      'root/cgi/deep/a b',
      'root/%41',
      'root/caf\u00e9',
      'root/...',
    ],
    ...[
      'root/.htaccess',
      'root/.git/config',
      'root/.well-known/a',
      'root/cgi/.hidden',
      'root2/secret',
      'outside/secret',
    ],
  ])
    writeFileSync(`${folder}/${name}`, name);
  writeFileSync(Buffer.from(`${root}/\xff\xe9`, 'latin1'), 'no UTF-8');
  const links: readonly (readonly [string, string])[] = [
    ['cgi/report.pl', 'link.pl'],
    ['cgi', 'link'],
    ['../outside', 'out'],
    ['../outside/secret', 'out-file'],
    ['/etc/passwd', 'passwd'],
    ['../root2', 'sibling'],
    ['.', 'self'],
    ['..', 'up'],
    ['loop', 'loop'],
    ['nowhere', 'dangling'],
    ['../root/cgi', 'out-and-in'],
    ['/dev/null', 'null'],
  ];
  for (const [target, name] of links) symlinkSync(target, `${root}/${name}`);
  execFileSync('mkfifo', [`${root}/fifo`]);
  await new Promise<void>((listening) => server.listen(`${root}/socket`, listening));
});

afterAll(() => {
  server.close();
  removeTempDir(folder);
});

function resolve(path: string): ResolvedPath {
  return resolvePath({ root, path });
}

describe('a file', () => {
  test.each([
    ['/index.html', '/index.html', ''],
    ['/cgi/report.pl', '/cgi/report.pl', ''],
    ['/cgi/report.pl/', '/cgi/report.pl', '/'],
    ['/cgi/report.pl/a/b', '/cgi/report.pl', '/a/b'],
    ['/cgi/report.pl//a///b//', '/cgi/report.pl', '//a///b//'],
    ['/cgi/report.pl/%20%c3%a9', '/cgi/report.pl', '/ \u00c3\u00a9'],
    ['/cgi/report.pl/.git/.../a.', '/cgi/report.pl', '/.git/.../a.'],
    ['/%63gi/deep/a%20b', '/cgi/deep/a b', ''],
    ['/cgi/deep/a b', '/cgi/deep/a b', ''],
    ['/%2541', '/%41', ''],
    ['/caf%C3%A9', '/caf\u00c3\u00a9', ''],
    ['/caf\u00c3\u00a9', '/caf\u00c3\u00a9', ''],
    ['/%ff%E9/x', '/\u00ff\u00e9', '/x'],
    ['/.well-known/a', '/.well-known/a', ''],
  ])('%s', (path, urlPath, pathInfo) => {
    const file = `${root}${urlPath}`;
    expect(resolve(path)).toMatchObject({ kind: 'file', file, real: file, urlPath, pathInfo });
  });

  test('is described', () => {
    const found = resolve('/index.html');
    expect(found.kind === 'file' && found.stats.size).toBe('root/index.html'.length);
  });

  test.each([
    ['/link.pl/x', '/link.pl', '/cgi/report.pl', '/x'],
    ['/link/report.pl', '/link/report.pl', '/cgi/report.pl', ''],
    ['/self/self/index.html', '/self/self/index.html', '/index.html', ''],
    ['/out-and-in/report.pl', '/out-and-in/report.pl', '/cgi/report.pl', ''],
    ['/up/root/index.html', '/up/root/index.html', '/index.html', ''],
  ])('%s by a link that ends in the root', (path, urlPath, real, pathInfo) => {
    expect(resolve(path)).toMatchObject({
      kind: 'file',
      file: root + urlPath,
      real: root + real,
      urlPath,
      pathInfo,
    });
  });

  test('in the root of the file system', () => {
    const path = `${folder}/root/index.html`;
    expect(resolvePath({ root: '/', path: `${path}/x` })).toMatchObject({
      kind: 'file',
      file: path,
      real: path,
      urlPath: path,
      pathInfo: '/x',
    });
    expect(resolvePath({ root: '/', path: '/' })).toMatchObject({ kind: 'directory', folder: '/' });
  });
});

describe('a folder', () => {
  test.each([
    ['/', '', '/', true],
    ['/cgi', '/cgi', '/cgi', false],
    ['/cgi/', '/cgi', '/cgi/', true],
    ['/c%67i/deep/', '/cgi/deep', '/cgi/deep/', true],
    ['/link', '/link', '/link', false],
    ['/.well-known/', '/.well-known', '/.well-known/', true],
  ])('%s', (path, below, urlPath, hasTrailingSlash) => {
    expect(resolve(path)).toEqual({ kind: 'directory', folder: root + below, urlPath, hasTrailingSlash });
  });
});

describe('missing', () => {
  test.each([
    ['nothing there', '/nope'],
    ['nothing there, below a folder', '/cgi/nope/x'],
    ['another case', '/Index.html'],
    ['a beginning of a name', '/index'],
    ['more than a name', '/index.htmlx'],
    ['white space behind a name', '/index.html%20'],
    ['an empty segment', '//index.html'],
    ['an empty segment inside', '/cgi//report.pl'],
    ['two slashes at the end', '/cgi//'],
    ['two slashes', '//'],
    ['a hidden file', '/.htaccess'],
    ['a hidden file, encoded', '/%2ehtaccess'],
    ['a hidden folder', '/.git/config'],
    ['a hidden file further down', '/cgi/.hidden'],
    ['a hidden folder behind a link', '/self/.git/config'],
    ['a name of dots', '/...'],
    ['.well-known in another case', '/.Well-Known/a'],
    ['a link out of the root', '/out/secret'],
    ['a link to a folder outside', '/out/'],
    ['a link to a file outside', '/out-file'],
    ['an absolute link', '/passwd'],
    ['a link to a folder whose name begins like the root', '/sibling/secret'],
    ['a link to the folder above', '/up'],
    ['a loop of links', '/loop'],
    ['a link to nothing', '/dangling'],
    ['a fifo', '/fifo'],
    ['a socket', '/socket'],
    ['something behind a socket', '/socket/x'],
    ['a device', '/null'],
    ['a long name', `/${'x'.repeat(300)}`],
    ['a long path', '/cgi/..x'.repeat(1000)],
    ['a path longer than the kernel takes', '/self'.repeat(120) + '/x'.repeat(2000)],
    ['more links than the kernel follows', '/self'.repeat(50) + '/index.html'],
    ['more segments than are walked', '/self'.repeat(5000)],
  ])('%s', (_what, path) => {
    const found = resolve(path);
    expect(found).toEqual({ kind: 'missing', reason: expect.stringMatching(/./) as string });
  });

  test('a root that is not there', () => {
    expect(resolvePath({ root: `${folder}/nope`, path: '/index.html' }).kind).toBe('missing');
    expect(resolvePath({ root: `${folder}/nope`, path: '/' }).kind).toBe('missing');
  });
});

describe('refused', () => {
  test.each([
    ['%', 400],
    ['%4', 400],
    ['%zz', 400],
    ['%%41', 400],
    ['%00', 400],
    ['index.html%00.png', 400],
    ['%0a', 400],
    ['%0D%0A', 400],
    ['%1f', 400],
    ['%7f', 400],
    ['\t', 400],
    ['.', 400],
    ['..', 400],
    ['%2e', 400],
    ['%2e%2E/outside/secret', 400],
    ['.%2e/outside/secret', 400],
    ['cgi/../index.html', 400],
    ['cgi/./report.pl', 400],
    ['cgi/..', 400],
    ['%2f', 404],
    ['cgi%2Freport.pl', 404],
    ['..%2foutside', 404],
    ['..%5c..%5coutside', 404],
    ['..\\outside', 404],
    ['a%5Cb', 404],
    ['\u012f..\u012foutside', 400],
  ])('/%s, also behind a file', (path, status) => {
    const refusal = { kind: 'refused', status, reason: expect.stringMatching(/./) as string };
    expect(resolve(`/${path}`)).toEqual(refusal);
    expect(resolve(`/cgi/report.pl/${path}`)).toEqual(refusal);
    expect(resolve(`/cgi/report.pl/a/${path}/b`)).toEqual(refusal);
  });

  test.each(['', '*', 'index.html', 'http://h/'])('%j does not begin with a slash', (path) => {
    expect(resolve(path)).toMatchObject({ kind: 'refused', status: 400 });
  });

  test('what is encoded twice is decoded once', () => {
    expect(resolve('/%252e%252e/outside').kind).toBe('missing');
    expect(resolve('/cgi/report.pl/%252e%252e%252f')).toMatchObject({ pathInfo: '/%2e%2e%2f' });
  });
});

test('a file that becomes a link out of the root is not found any more', () => {
  const path = `${root}/changes`;
  linkSync(`${root}/index.html`, path);
  expect(resolve('/changes').kind).toBe('file');
  rmSync(path);
  symlinkSync('../outside/secret', path);
  expect(resolve('/changes').kind).toBe('missing');
});

test.each([
  ['/srv/a', '/srv/a', true],
  ['/srv/a', '/srv/a/b', true],
  ['/srv/a', '/srv/ab', false],
  ['/srv/a', '/srv', false],
  ['/srv/a', '/srv/A/b', false],
  ['/srv/a/', '/srv/a/b', true],
  ['/', '/', true],
  ['/', '/etc', true],
])('isInside(%j, %j) is %j', (outer, inner, expected) => {
  expect(isInside(outer, inner)).toBe(expected);
});

test('whatever the path: never a throw, never a file outside the root', () => {
  const segment = fc.oneof(
    fc.constantFrom(
      ...[
        'cgi',
        'deep',
        'report.pl',
        'link.pl',
        'link',
        'out',
        'out-file',
        'secret',
        'passwd',
        'sibling',
        'self',
        'up',
      ],
      ...[
        'root',
        'root2',
        'outside',
        'loop',
        'out-and-in',
        'fifo',
        'null',
        '.git',
        'config',
        '.well-known',
        'a',
        '',
      ],
      ...[
        '.',
        '..',
        '%2e%2e',
        '.%2E',
        '%2f',
        '..%2f',
        '%5c',
        '%00',
        '%',
        '%41',
        '%ff%e9',
        'etc',
        'a%20b',
        '%c0%ae%c0%ae',
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  const paths = fc.array(segment, { maxLength: 8 }).map((segments) => `/${segments.join('/')}`);
  fc.assert(
    fc.property(paths, (path) => {
      const found = resolve(path);
      if (found.kind === 'missing' || found.kind === 'refused') return;
      const file = found.kind === 'file' ? found.file : found.folder;
      const real = realpathSync.native(Buffer.from(file, 'latin1'), 'latin1');
      expect(isInside(root, real)).toBe(true);
      expect(file + (found.kind === 'directory' && found.hasTrailingSlash ? '/' : '')).toBe(
        root + found.urlPath,
      );
      if (found.kind === 'file') {
        expect(found.real).toBe(real);
        expect(Buffer.from(found.urlPath + found.pathInfo, 'latin1').toString('latin1')).not.toMatch(
          // oxlint-disable-next-line no-control-regex
          /\0|\\|(?:^|\/)\.\.?(?:\/|$)/,
        );
      }
    }),
    { seed: 20_260_102, numRuns: 5000 },
  );
});
