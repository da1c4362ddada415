import { expect, test } from 'vitest';
import { startFailure } from '../../../src/programs/start-failure.js';

test.each([
  ['ENOENT', 500, 'XGI_CGI_BAD_INTERPRETER', 'the interpreter of its first line is not there'],
  ['EACCES', 500, 'XGI_CGI_NO_EXEC', 'run chmod +x'],
  ['ENOEXEC', 500, 'XGI_CGI_NO_SHEBANG', 'does not begin with a line like #!/bin/sh'],
  ['E2BIG', 500, 'XGI_CGI_START', 'its variables are larger than the system allows'],
  ['EAGAIN', 503, 'XGI_CGI_START', 'lower --cgi-concurrency'],
  ['EMFILE', 503, 'XGI_CGI_START', 'lower --cgi-concurrency'],
  ['ENFILE', 503, 'XGI_CGI_START', 'lower --cgi-concurrency'],
  ['ENOMEM', 503, 'XGI_CGI_START', 'lower --cgi-concurrency'],
  ['EPERM', 500, 'XGI_CGI_START', 'the system refuses to start it'],
  ['UnicodeError', 500, 'XGI_CGI_START', 'the system refuses to start it'],
  // Of a plain object, this would be found.
  ['toString', 500, 'XGI_CGI_START', 'the system refuses to start it'],
])('%s: %d %s', (name, status, code, fix) => {
  const error = startFailure(name, 'cannot execute /srv/a: as the system says');
  expect(error).toMatchObject({ status, code });
  expect(error.message).toContain(
    `the program cannot be started: cannot execute /srv/a: as the system says (${name}): `,
  );
  expect(error.message).toContain(fix);
});
