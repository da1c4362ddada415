import { describe, expect, test } from 'vitest';
import { describeFailure, exitStatusOf } from '../../../src/cli/failure.js';
import { BootError, ConfigError, ListenError, XgiError } from '../../../src/errors.js';

test.each([
  [new ConfigError('XGI_CONFIG_VALUE', 'x'), 2],
  [new BootError('XGI_BOOT_FAILED', 'x'), 3],
  [new ListenError('XGI_LISTEN_IN_USE', 'x'), 1],
  [new XgiError('XGI_PID_IN_USE', 'x'), 1],
  [new TypeError('x'), 1],
  ['x', 1],
])('the exit status of %s is %d', (error, status) => {
  expect(exitStatusOf(error)).toBe(status);
});

describe('describeFailure', () => {
  test('is one line with the code', () => {
    expect(describeFailure(new ConfigError('XGI_CONFIG_VALUE', '--workers: …'))).toBe(
      'xgi: XGI_CONFIG_VALUE: --workers: …\n',
    );
  });

  test('prints the traceback first, indented', () => {
    const error = new BootError('XGI_BOOT_IMPORT', 'no module flask', {
      detail: 'Traceback:\n  File "x"\n\nImportError\n',
    });
    expect(describeFailure(error)).toBe(
      '    Traceback:\n      File "x"\n    \n    ImportError\nxgi: XGI_BOOT_IMPORT: no module flask\n',
    );
  });

  test('leaves backslashes as they are', () => {
    const error = new BootError('XGI_BOOT_IMPORT', String.raw`received "a\\b"`, {
      detail: String.raw`re.compile("\d+")`,
    });
    expect(describeFailure(error)).toBe(
      String.raw`    re.compile("\d+")` + '\n' + String.raw`xgi: XGI_BOOT_IMPORT: received "a\\b"` + '\n',
    );
  });

  test('lets nothing through that a terminal acts on', () => {
    const error = new BootError('XGI_BOOT_IMPORT', 'a\x1b[2Jb', { detail: 'c\x1b]0;title\x07d\re' });
    expect(describeFailure(error)).toBe('    c\\x1B]0;title\\x07d\\x0De\nxgi: XGI_BOOT_IMPORT: a\\x1B[2Jb\n');
  });

  test.each(['EMFILE', 'ENFILE'])('%s is no bug: it says what to raise', (code) => {
    const error = Object.assign(new Error(`${code}: too many open files, open 'x.js'`), { code });
    expect(describeFailure(error)).toBe(
      `xgi: XGI_START_FILES: too few file descriptors: raise ulimit -n (${code}: too many open files, open 'x.js')\n`,
    );
  });

  test('calls anything else a bug, with its stack', () => {
    const text = describeFailure(new TypeError('x is undefined'));
    expect(text).toContain('this is a bug in xgi');
    expect(text).toContain('TypeError: x is undefined');
    expect(text).toContain('failure.test.ts');
    expect(describeFailure('thrown text')).toContain('thrown text');
  });
});
