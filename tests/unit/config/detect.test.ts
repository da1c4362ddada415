import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectTarget } from '../../../src/config/detect.js';
import { ConfigError } from '../../../src/errors.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;

beforeAll(() => {
  directory = makeTempDir();
  for (const name of ['folder', 'package', 'dotted.py']) mkdirSync(path.join(directory, name));
  writeFileSync(path.join(directory, 'package/__init__.py'), '');
  mkdirSync(path.join(directory, 'public'));
  writeFileSync(path.join(directory, 'public/index.html'), '');
  for (const name of ['notes.txt', 'script', 'site.wsgi']) writeFileSync(path.join(directory, name), '');
  for (const name of ['programs', 'hidden', 'cgi-bin']) mkdirSync(path.join(directory, name));
  for (const name of ['programs/hello', 'hidden/.a.cgi', 'hidden/manage.py', 'programs/a.cgi', 'hello.pl'])
    writeFileSync(path.join(directory, name), '', { mode: 0o755 });
});

afterAll(() => removeTempDir(directory));

describe('a WSGI target is', () => {
  test.each([
    'app',
    'app:app',
    'mysite.wsgi',
    'mysite.wsgi:application',
    'app:holder.app',
    'app:create_app()',
    'app:create_app("production", debug=False)',
    'app:create_app("a:b/c")',
    'größe:äpp',
    '_private:_app',
    'path/to/file.py',
    './blog.wsgi',
    '/srv/blog.wsgi:app',
    './file.py:app',
    '/srv/my app/file.py:create_app()',
    'package',
    'not_there',
  ])('%s', (target) => {
    expect(detectTarget(target, directory)).toEqual({ kind: 'wsgi', target });
  });
});

describe('CGI programs are', () => {
  test.each(['programs', './programs/', 'cgi-bin', 'hello.pl', 'programs/hello'])('%s', (target) => {
    expect(detectTarget(target, directory)).toEqual({
      kind: 'cgi',
      path: path.join(directory, target, '').replace(/\/$/, ''),
    });
  });

  test('whatever is said to be that', () => {
    expect(detectTarget('folder', directory, { kind: 'cgi' })).toEqual({
      kind: 'cgi',
      path: path.join(directory, 'folder'),
    });
    expect(() => detectTarget('programs', directory, { kind: 'wsgi' })).toThrow('it is a directory');
  });

  test('not a folder of other executable files', () => {
    expect(() => detectTarget('hidden', directory)).toThrow(
      'if it holds CGI programs, write xgi cgi hidden (kind: cgi in a file), and for files xgi static hidden (kind: static)',
    );
  });
});

describe('static files are', () => {
  test.each(['public', './public/'])('%s', (target) => {
    expect(detectTarget(target, directory)).toEqual({ kind: 'static', path: path.join(directory, 'public') });
  });

  test('whatever is said to be that', () => {
    for (const target of ['folder', 'cgi-bin', 'package'])
      expect(detectTarget(target, directory, { kind: 'static' })).toEqual({
        kind: 'static',
        path: path.join(directory, target),
      });
    expect(() => detectTarget('public', directory, { kind: 'wsgi' })).toThrow('it is a directory');
  });
});

describe('refused is', () => {
  test.each([
    ['', 'expected MODULE:CALLABLE'],
    [':app', 'expected MODULE:CALLABLE'],
    ['app:', 'expected MODULE:CALLABLE'],
    ['app:create_app(', 'expected MODULE:CALLABLE'],
    ['app:a b', 'expected MODULE:CALLABLE'],
    ['1app', 'expected MODULE:CALLABLE'],
    ['app..x', 'expected MODULE:CALLABLE'],
    ['not/there', 'expected MODULE:CALLABLE'],
    ['file.py:', 'expected MODULE:CALLABLE'],
    ['folder', 'it is a directory'],
    ['folder/', 'it is a directory'],
    ['.', 'it is a directory'],
    ['notes.txt', 'it is a file, but neither a Python module'],
    ['http://localhost:9000', 'it is a URL'],
  ])('%j: %s', (target, reason) => {
    expect(() => detectTarget(target, directory)).toThrow(ConfigError);
    expect(() => detectTarget(target, directory)).toThrow(reason);
  });
});

test('a module wins over a file of its name', () => {
  expect(detectTarget('script', directory)).toEqual({ kind: 'wsgi', target: 'script' });
  expect(() => detectTarget('site.wsgi', directory)).toThrow('for the file write ./site.wsgi');
  mkdirSync(path.join(directory, 'site'));
  writeFileSync(path.join(directory, 'site/wsgi.py'), '');
  expect(detectTarget('site.wsgi', directory)).toEqual({ kind: 'wsgi', target: 'site.wsgi' });
});

test('a folder that is called public or dist is one of files, whatever is in it', () => {
  for (const name of ['dist', 'dist/public']) {
    mkdirSync(path.join(directory, name));
    writeFileSync(path.join(directory, name, 'a.cgi'), '', { mode: 0o755 });
    expect(detectTarget(`./${name}`, directory)).toEqual({
      kind: 'static',
      path: path.join(directory, name),
    });
  }
});
