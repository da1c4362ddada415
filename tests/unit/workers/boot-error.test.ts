import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootError } from '../../../src/workers/boot-error.js';
import { makeTempDir } from '../../support/temp-dir.js';

const context = { python: '/srv/venv/bin/python', target: 'shop.web:app', cwd: '/srv/shop' };

const failing = (
  hint: string | undefined,
  { target = context.target, message = 'what went wrong', traceback = 'Traceback' } = {},
): ReturnType<typeof bootError> =>
  bootError({ class: 'SomeError', message, traceback, hint }, { ...context, target });

const SETTING = '-e NAME=VALUE';

describe('of middleware', () => {
  const middleware = [
    { where: 'middleware[0]', target: 'outer:Outer', options: {} },
    { where: 'xgi.config.yaml:3:5: middleware[1]', target: 'shop.profiler:Profiler', options: { a: 1 } },
  ];
  const ofSecond = (hint: string, more: { message?: string; traceback?: string } = {}) =>
    bootError(
      {
        class: 'SomeError',
        message: 'what went wrong',
        traceback: 'Traceback',
        ...more,
        hint,
        middleware: 1,
      },
      { ...context, middleware },
    );

  test.each([
    [
      'missing-module:flask',
      ['the module flask, which is not installed for /srv/venv/bin/python', 'pythonpath'],
    ],
    ['missing-module:shop', ['the module shop, which is not installed for']],
    ['raised', ['raised SomeError: what went wrong while it was imported']],
    ['factory-failed', ['called with the application and its options, raised SomeError: what went wrong']],
  ])('%s: its name, where it stands, and the traceback', (hint, parts) => {
    const error = ofSecond(hint);
    expect(error.code).toBe('XGI_MIDDLEWARE_LOAD');
    expect(error.message).toMatch(/^xgi\.config\.yaml:3:5: middleware\[1\]: shop\.profiler:Profiler/);
    for (const part of parts) expect(error.message).toContain(part);
    expect(error.message).not.toContain('\n');
    expect(error.detail).toBe('Traceback');
  });

  test('without a traceback: what the worker says', () => {
    const message = "shop.profiler has no attribute 'Profile'; did you mean 'Profiler'?";
    const error = ofSecond('missing-attribute:Profile', { message, traceback: '' });
    expect(error).toMatchObject({
      code: 'XGI_MIDDLEWARE_LOAD',
      message: `xgi.config.yaml:3:5: middleware[1]: ${message}`,
      detail: undefined,
    });
  });
});

describe('bootError', () => {
  test.each([
    [
      'missing-module:flask',
      'XGI_APP_MISSING_MODULE',
      ['flask', '/srv/venv/bin/python', '--python PATH', '--chdir', '--pythonpath'],
    ],
    ['missing-module:shop', 'XGI_APP_NOT_FOUND', ['shop', '/srv/shop', '--chdir', '--pythonpath']],
    ['missing-module:shop.web', 'XGI_APP_NOT_FOUND', ['shop.web', '/srv/shop']],
    ['missing-module:shopify', 'XGI_APP_MISSING_MODULE', ['shopify']],
    ['missing-file:/srv/shop/web.py', 'XGI_APP_NOT_FOUND', ['/srv/shop/web.py', '--chdir']],
    ['factory-failed', 'XGI_APP_FACTORY', ['shop.web:app', 'SomeError: what went wrong', SETTING]],
    ['raised', 'XGI_APP_RAISED', ['shop.web:app', 'SomeError', 'what went wrong', SETTING]],
    ['something-newer', 'XGI_APP_RAISED', ['SomeError']],
    [undefined, 'XGI_APP_RAISED', ['SomeError']],
  ])('%s: a code, and one line that says what to do', (hint, code, parts) => {
    const error = failing(hint);
    expect(error.code).toBe(code);
    for (const part of parts) expect(error.message).toContain(part);
    expect(error.message).not.toContain('\n');
    expect(error.detail).toBe('Traceback');
  });

  test.each([
    ['missing-attribute:ap', 'XGI_APP_NO_CALLABLE'],
    ['not-callable', 'XGI_APP_NOT_CALLABLE'],
    ['factory-failed', 'XGI_APP_FACTORY'],
  ])('%s without a traceback: what the worker says, and nothing more', (hint, code) => {
    const message = "shop.web has no attribute 'ap'; did you mean 'app'?";
    const error = failing(hint, { message, traceback: '' });
    expect(error).toMatchObject({ code, message, detail: undefined });
  });

  test('an exception without a message', () => {
    expect(failing('raised', { message: '' }).message).toContain('SomeError while it was imported; the');
    expect(failing('factory-failed', { message: '' }).message).toContain('raised SomeError; the');
  });

  test('the module of a target is known in each of its forms', () => {
    for (const target of ['shop', 'shop:app', 'shop.web.wsgi:create_app()']) {
      expect(failing('missing-module:shop', { target }).code, target).toBe('XGI_APP_NOT_FOUND');
    }
  });
});

test('an executable file without a callable may be a CGI program', () => {
  const directory = makeTempDir();
  const failure = { class: '', message: 'form.py has no callable', traceback: '', hint: 'missing-attribute' };
  const own = { python: 'python3', target: './form.py', cwd: directory };
  writeFileSync(path.join(directory, 'form.py'), '#!/usr/bin/python3\n');
  expect(bootError(failure, own).message).toBe('form.py has no callable');
  chmodSync(path.join(directory, 'form.py'), 0o755);
  expect(bootError(failure, own).message).toBe(
    'form.py has no callable; if it is a CGI program, write xgi cgi ./form.py',
  );
});
