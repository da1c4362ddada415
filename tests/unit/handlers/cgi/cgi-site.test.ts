import { chmodSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite, type Located, type Site, type SiteOptions } from '../../../../src/handlers/cgi/cgi-site.js';
import { makeTempDir, removeTempDir } from '../../../support/temp-dir.js';

const folder = makeTempDir();
const root = `${folder}/cgi-bin`;
const OPTIONS: SiteOptions = {
  index: ['index.cgi'],
  interpreters: new Map([['.x', '/bin/sh']]),
  searchPath: '/bin',
  warm: false,
};
const DIRECTORY: Site = { kind: 'directory', path: root };
const PROGRAM: Site = { kind: 'program', path: `${root}/one` };

beforeAll(() => {
  for (const name of ['app', 'a b', 'bare', 'folder-index/index.cgi', '.git'])
    mkdirSync(`${root}/${name}`, { recursive: true });
  for (const name of [
    'one',
    'sub.cgi',
    'app/index.cgi',
    'app/two',
    'a b/index.cgi',
    '.hidden',
    'mapped.x',
    'src.py',
  ])
    writeFileSync(`${root}/${name}`, '#!/bin/sh\n', { mode: 0o755 });
  chmodSync(`${root}/mapped.x`, 0o644);
  chmodSync(`${root}/src.py`, 0o644);
  writeFileSync(Buffer.from(`${root}/caf\xc3\xa9`, 'latin1'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(`${folder}/outside`, '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('../outside', `${root}/out`);
  symlinkSync('one', `${root}/link`);
});

afterAll(() => removeTempDir(folder));

function locate(path: string, site = DIRECTORY, mount = ''): Located {
  return new CgiSite(site, mount, OPTIONS).locate({ mount: '', path });
}

/** SCRIPT_NAME, PATH_INFO, the file below the root. */
function placeOf(path: string, site = DIRECTORY, mount = ''): readonly [string, string, string] {
  const located = locate(path, site, mount);
  if (located.kind === 'slash') throw new Error('the path lacks a slash');
  const { scriptName, pathInfo, scriptFilename, documentRoot, contextPrefix } = located.place;
  expect({ documentRoot, contextPrefix }).toEqual({ documentRoot: root, contextPrefix: mount });
  expect(located.program.script).toBe(scriptFilename);
  expect(scriptFilename.startsWith(`${root}/`)).toBe(true);
  return [scriptName, pathInfo, scriptFilename.slice(root.length + 1)];
}

const failure = (status: number, code: string): unknown => expect.objectContaining({ status, code });

describe('a folder', () => {
  test.each([
    ['/one', '/one', '', 'one'],
    ['/one/', '/one', '/', 'one'],
    ['/one/a/b', '/one', '/a/b', 'one'],
    ['/one/a%20b//c', '/one', '/a b//c', 'one'],
    ['/%6fne', '/one', '', 'one'],
    ['/sub.cgi/x.cgi', '/sub.cgi', '/x.cgi', 'sub.cgi'],
    ['/app/two/x', '/app/two', '/x', 'app/two'],
    ['/app/', '/app/index.cgi', '', 'app/index.cgi'],
    ['/app/index.cgi/x', '/app/index.cgi', '/x', 'app/index.cgi'],
    ['/a%20b/', '/a b/index.cgi', '', 'a b/index.cgi'],
    ['/caf%C3%A9/x', '/caf\xc3\xa9', '/x', 'caf\xc3\xa9'],
    ['/link', '/link', '', 'link'],
    ['/mapped.x/y', '/mapped.x', '/y', 'mapped.x'],
  ])('%s', (path, scriptName, pathInfo, file) => {
    expect(placeOf(path)).toEqual([scriptName, pathInfo, file]);
    expect(placeOf(`/cgi${path}`, DIRECTORY, '/cgi')).toEqual([`/cgi${scriptName}`, pathInfo, file]);
  });

  test('one that is asked for without its slash, and has an index', () => {
    expect(locate('/app')).toEqual({ kind: 'slash' });
    expect(locate('/a%20b')).toEqual({ kind: 'slash' });
  });

  test('itself: only if it has an index', () => {
    expect(() => locate('/')).toThrow(failure(404, 'XGI_CGI_NOT_FOUND') as Error);
    writeFileSync(`${root}/index.cgi`, '#!/bin/sh\n', { mode: 0o755 });
    expect(placeOf('/')).toEqual(['/index.cgi', '', 'index.cgi']);
    expect(placeOf('/cgi/', DIRECTORY, '/cgi')).toEqual(['/cgi/index.cgi', '', 'index.cgi']);
    expect(locate('/cgi', DIRECTORY, '/cgi')).toEqual({ kind: 'slash' });
    unlinkSync(`${root}/index.cgi`);
  });

  test('with an index of other names: the first that is there', () => {
    const site = new CgiSite(DIRECTORY, '', { ...OPTIONS, index: ['start', 'two', 'index.cgi'] });
    const scriptOf = (path: string): unknown => site.locate({ mount: '', path });
    expect(scriptOf('/app/')).toMatchObject({ place: { scriptName: '/app/two' } });
    expect(scriptOf('/app')).toEqual({ kind: 'slash' });
    expect(scriptOf('/a%20b/')).toMatchObject({ place: { scriptName: '/a b/index.cgi' } });
    expect(() => scriptOf('/bare/')).toThrow(failure(404, 'XGI_CGI_NOT_FOUND') as Error);
  });

  test.each([
    ['nothing of that name', '/three'],
    ['another case', '/ONE'],
    ['a beginning of a name', '/on'],
    ['a folder without an index', '/bare/'],
    ['a folder without an index, and without its slash', '/bare'],
    ['an index that is a folder', '/folder-index/'],
    ['a hidden file', '/.hidden'],
    ['a hidden folder', '/.git/config'],
    ['a link that leads out', '/out'],
    ['an empty segment before the program', '//one'],
  ])('404 for %s', (_name, path) => {
    expect(() => locate(path)).toThrow(failure(404, 'XGI_CGI_NOT_FOUND') as Error);
  });

  test('the client is not told why', () => {
    expect(() => locate('/.hidden')).toThrow(
      expect.objectContaining({
        message: 'there is no program at this path',
        detail: expect.stringContaining('hidden') as string,
      }),
    );
  });

  test.each([
    [400, '/a/../one'],
    [400, '/one/%2e%2e/x'],
    [400, '/one%00'],
    [400, '/one/%zz'],
    [404, '/one/a%2Fb'],
    [404, '/one/a%5cb'],
  ])('%d for %s', (status, path) => {
    expect(() => locate(path)).toThrow(failure(status, 'XGI_CGI_PATH') as Error);
  });

  test('a file that is no program is a mistake, and not served', () => {
    expect(() => locate('/src.py')).toThrow(failure(500, 'XGI_CGI_NO_EXEC') as Error);
  });

  test('outside of its mount is nothing', () => {
    for (const path of ['/one', '/cgi-binary/one', '/'])
      expect(() => locate(path, DIRECTORY, '/cgi-bin'), path).toThrow(
        failure(404, 'XGI_CGI_NOT_FOUND') as Error,
      );
  });
});

describe('one program', () => {
  test.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a%20b/', '/a b/'],
    ['/.hidden', '/.hidden'],
    ['//a', '//a'],
    ['/one', '/one'],
  ])('gets everything at the root: %s', (path, pathInfo) => {
    expect(placeOf(path, PROGRAM)).toEqual(['', pathInfo, 'one']);
  });

  test.each([
    ['/git', ''],
    ['/git/', '/'],
    ['/git/repo.git/info', '/repo.git/info'],
    ['/%67it/x', '/x'],
  ])('gets what is below its mount: %s', (path, pathInfo) => {
    expect(placeOf(path, PROGRAM, '/git')).toEqual(['/git', pathInfo, 'one']);
  });

  test('is refused what nobody may ask for', () => {
    expect(() => locate('/a%2fb', PROGRAM)).toThrow(failure(404, 'XGI_CGI_PATH') as Error);
    expect(() => locate('/%00', PROGRAM)).toThrow(failure(400, 'XGI_CGI_PATH') as Error);
    expect(() => locate('/gitx', PROGRAM, '/git')).toThrow(failure(404, 'XGI_CGI_NOT_FOUND') as Error);
  });

  test('that has been removed is 404, and is there again when it is', () => {
    const file = `${root}/later`;
    const site = new CgiSite({ kind: 'program', path: file }, '', OPTIONS);
    expect(() => site.locate({ mount: '', path: '/' })).toThrow(failure(404, 'XGI_CGI_NOT_FOUND') as Error);
    writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
    expect(site.locate({ mount: '', path: '/' }).kind).toBe('program');
    unlinkSync(file);
  });
});
