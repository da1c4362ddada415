/**
 * Leaked environment. The gateway is started with secrets in its environment (a database's URL, cloud keys, tokens of CI); a program that prints
 * its variables, as phpinfo() does, or that is the attacker's, must not have them; nor what steers xgi and Node.
 */
import { describe, expect, test } from 'vitest';
import { CgiSite, startCgi, SYSTEM_PYTHON } from '../support/cgi-site.js';

const SECRETS = {
  DATABASE_URL: 'postgres://u:SECRET@db/',
  AWS_SECRET_ACCESS_KEY: 'SECRET',
  HOME: '/home/SECRET',
  USER: 'SECRET',
  LD_LIBRARY_PATH: '/SECRET',
  PYTHONPATH: '/SECRET',
  PYTHONSTARTUP: '/SECRET',
  PERL5LIB: '/SECRET',
  BASH_ENV: '/SECRET',
  ENV: '/SECRET',
  IFS: 'SECRET',
  HTTP_PROXY: 'http://SECRET/',
  http_proxy: 'http://SECRET/',
  NODE_OPTIONS: '--no-deprecation --title=SECRET',
  NODE_EXTRA_CA_CERTS: '/SECRET',
  NODE_PATH: '/SECRET',
  XGI_SECRET: 'SECRET',
  XGI_CMD_ARGS: '--log-level debug',
  FORWARDED_ALLOW_IPS: '127.0.0.1',
  LISTEN_FDNAMES: 'SECRET',
  npm_config_token: 'SECRET',
  SSH_AUTH_SOCK: '/SECRET',
  LC_ALL: 'C',
  LANG: 'C',
};

/** Those of a request, and PATH. */
const OWN =
  /^(PATH|GATEWAY_INTERFACE|SERVER_.*|REQUEST_.*|QUERY_STRING|SCRIPT_.*|DOCUMENT_ROOT|PATH_INFO|CONTEXT_.*|REMOTE_(ADDR|HOST|PORT)|UNIQUE_ID|REDIRECT_STATUS|HTTP_(HOST|CONNECTION))$/;

describe.each([
  ['cold', ['--no-cgi-warm']],
  ['warm', ['--python', SYSTEM_PYTHON]],
])('%s', (kind, flags) => {
  test('a program has PATH and the variables of its request, and the gateway’s are nowhere', async () => {
    const site = await startCgi(flags, { env: SECRETS });
    if (kind === 'warm') await site.untilWarm();
    for (let i = 0; i < 3; i++) {
      const { env, bornWith } = await site.report();
      // LC_CTYPE is what Python itself sets in the C locale (PEP 538).
      expect(Object.keys(env).filter((name) => !OWN.test(name) && name !== 'LC_CTYPE')).toEqual([]);
      expect(JSON.stringify(env) + bornWith).not.toMatch(/SECRET|XGI_|NODE_/);
      expect(env['PATH']).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    }
    const { body } = await site.get('/environ.sh');
    const names = body
      .toString('latin1')
      .split('\0')
      .filter(Boolean)
      .map((entry) => entry.split('=')[0]!);
    expect(names.filter((name) => !OWN.test(name))).toEqual([]);
    expect(body.toString('latin1')).not.toMatch(/SECRET|XGI_|NODE_/);
  });

  test('only what is passed with --pass-env and -e is there, and each request has a new one', async () => {
    const site = await startCgi(
      [
        ...flags,
        '--pass-env',
        'DATABASE_URL',
        '--pass-env',
        'NOT_SET',
        '-e',
        'GIVEN=a=b c',
        '-e',
        'PATH=/bin:/usr/bin',
      ],
      { env: SECRETS },
    );
    site.program(
      'changes.py',
      '#!/usr/bin/env python3\nimport os\nos.environ["PLANTED"] = "SECRET"\nos.putenv("PLANTED2", "SECRET")\nprint("Content-Type: text/plain\\n")\n',
    );
    await site.get('/changes.py');
    const { env } = await site.report('/report.py', { headers: ['X-A: 1'] });
    expect(env).toMatchObject({
      DATABASE_URL: SECRETS.DATABASE_URL,
      GIVEN: 'a=b c',
      PATH: '/bin:/usr/bin',
      HTTP_X_A: '1',
    });
    expect(Object.keys(env).filter((name) => /PLANTED|NOT_SET|AWS|HOME/.test(name))).toEqual([]);
    expect((await site.report()).env['HTTP_X_A']).toBeUndefined();
  });
});

test('without Python, neither', async () => {
  const site = new CgiSite();
  try {
    await site.startWithoutPython([], { env: SECRETS });
    const { env, bornWith } = await site.report();
    expect(Object.keys(env).filter((name) => !OWN.test(name) && name !== 'LC_CTYPE')).toEqual([]);
    expect(bornWith).not.toMatch(/SECRET|XGI_|NODE_/);
  } finally {
    await site.destroy();
  }
});

test('the launcher itself holds none of it, where a program of the same user can read it', async () => {
  const site = await startCgi([], { env: SECRETS });
  site.program('reads.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\ncat /proc/$PPID/environ\n');
  const { status, body } = await site.get('/reads.sh');
  expect([status, /SECRET|XGI_|NODE_/.test(body.toString('latin1'))]).toEqual([200, false]);
});
