import { describe, expect, test } from 'vitest';
import { bootError } from '../../../src/workers/boot-error.js';

const context = { python: '/srv/venv/bin/python', target: 'shop.web:app', cwd: '/srv/shop' };

const failing = (hint: string | undefined, target = context.target): ReturnType<typeof bootError> =>
  bootError(
    { class: 'SomeError', message: 'what went wrong', traceback: 'Traceback', hint },
    { ...context, target },
  );

describe('bootError', () => {
  test.each([
    ['missing-module:flask', 'XGI_APP_MISSING_MODULE', ['flask', '/srv/venv/bin/python', '--python']],
    ['missing-module:shop', 'XGI_APP_NOT_FOUND', ['shop', '/srv/shop', '--chdir', '--pythonpath']],
    ['missing-module:shop.web', 'XGI_APP_NOT_FOUND', ['shop.web', '/srv/shop']],
    ['missing-module:shopify', 'XGI_APP_MISSING_MODULE', ['shopify']],
    ['missing-attribute:app', 'XGI_APP_NO_CALLABLE', ['what went wrong', 'module:callable']],
    ['missing-file:/srv/shop/web.py', 'XGI_APP_NOT_FOUND', ['/srv/shop/web.py', '--chdir']],
    ['not-callable', 'XGI_APP_NOT_CALLABLE', ['what went wrong', 'module:callable']],
    ['factory-failed', 'XGI_APP_FACTORY', ['shop.web:app', 'SomeError', 'what went wrong']],
    ['raised', 'XGI_APP_RAISED', ['shop.web:app', 'SomeError', 'what went wrong']],
    ['something-newer', 'XGI_APP_RAISED', ['SomeError']],
    [undefined, 'XGI_APP_RAISED', ['SomeError']],
  ])('%s: a code, and one line that says what to do', (hint, code, parts) => {
    const error = failing(hint);
    expect(error.code).toBe(code);
    for (const part of parts) expect(error.message).toContain(part);
    expect(error.message).not.toContain('\n');
    expect(error.detail).toBe('Traceback');
  });

  test('the module of a target is known in each of its forms', () => {
    for (const target of ['shop', 'shop:app', 'shop.web.wsgi:create_app()']) {
      expect(failing('missing-module:shop', target).code, target).toBe('XGI_APP_NOT_FOUND');
    }
  });
});
