import { describe, expect, test } from 'vitest';
import { checkKind, type Kind } from '../../../src/config/kinds.js';
import { userConfigSchema, type UserConfig } from '../../../src/config/schema.js';
import { ConfigError } from '../../../src/errors.js';

function messageOf(user: Partial<UserConfig>, kind: Kind): string | undefined {
  try {
    checkKind({ target: 'it', ...user }, kind, (key) => `--${key}`);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe('XGI_CONFIG_USAGE');
    return (error as ConfigError).message;
  }
  return undefined;
}

const SHARED = 'a WSGI application and a TypeScript application';

describe('with CGI programs', () => {
  test.each<[Partial<UserConfig>, string, string?]>([
    [{ workers: 4 }, '; how many programs run at once is --cgi-concurrency', SHARED],
    [{ timeout: '30s' }, '; a program has --cgi-timeout and --cgi-idle-timeout', SHARED],
    [{ preload: true }, '; modules of Python scripts are loaded in advance with --cgi-preload'],
    [{ reload: true }, '; a program is read anew for each request', SHARED],
    [{ threads: 2 }, ''],
    [{ maxRequests: 0 }, ''],
    [{ pythonpath: '/lib' }, ''],
  ])('%j', (user, instead, whom = 'a WSGI application') => {
    const [flag] = Object.keys(user);
    expect(messageOf(user, 'cgi')).toBe(
      `--${flag} is for ${whom}, and "it" is served as CGI programs${instead}`,
    );
  });
});

describe('with a WSGI application', () => {
  test.each<Partial<UserConfig>>([
    { passEnv: [] },
    { cgiTimeout: 1 },
    { cgiWarm: false },
    { cgiPreload: 'json' },
  ])('%j', (user) => {
    const [flag] = Object.keys(user);
    expect(messageOf(user, 'wsgi')).toBe(
      `--${flag} is for CGI programs, and "it" is served as a WSGI application`,
    );
  });
});

describe('with static files', () => {
  test.each<[Partial<UserConfig>, string]>([
    [
      { workers: 4 },
      'a WSGI application and a TypeScript application, and "it" is served as static files; more processes are started with --gateways',
    ],
    [
      { reload: true },
      'a WSGI application and a TypeScript application, and "it" is served as static files; a file that has changed is seen within a second',
    ],
    [{ cgiTimeout: 1 }, 'CGI programs, and "it" is served as static files'],
    [{ python: 'python3' }, 'a WSGI application and CGI programs, and "it" is served as static files'],
    [{ sendfileRoot: ['/srv'] }, 'a WSGI application and CGI programs, and "it" is served as static files'],
  ])('%j', (user, message) => {
    expect(messageOf(user, 'static')).toBe(`--${Object.keys(user)[0]} is for ${message}`);
  });

  test.each<Partial<UserConfig>>([{ listing: true }, { spa: '/a' }, { cacheControl: ['*=no-cache'] }])(
    'only: %j',
    (user) => {
      for (const kind of ['wsgi', 'cgi'] as const)
        expect(messageOf(user, kind)).toContain(`--${Object.keys(user)[0]} is for static files`);
      expect(messageOf(user, 'static')).toBeUndefined();
    },
  );
});

test.each<Partial<UserConfig>>([{ mount: '/a' }, { index: ['a'] }])(
  '%j is for CGI programs and static files',
  (user) => {
    expect(messageOf(user, 'wsgi')).toBe(
      `--${Object.keys(user)[0]} is for CGI programs and static files, and "it" is served as a WSGI application`,
    );
    for (const kind of ['cgi', 'static'] as const) expect(messageOf(user, kind)).toBeUndefined();
  },
);

test('what is for both is refused by neither', () => {
  const user: Partial<UserConfig> = {
    ...{ bind: [':80'], env: ['A=b'], chdir: '.', python: 'python3', gateways: 2, user: 'a', umask: '027' },
    ...{ queueTimeout: 1, gracefulTimeout: 1, maxBodySize: 1, pid: 'x', dev: true, accessLogfile: '-' },
  };
  expect(messageOf(user, 'wsgi')).toBeUndefined();
  expect(messageOf(user, 'cgi')).toBeUndefined();
});

test('an option that is there, but undefined, is not given', () => {
  const options = Object.keys(userConfigSchema.shape).filter((key) => key !== 'target');
  const user = Object.fromEntries(options.map((key) => [key, undefined]));
  expect(messageOf(user, 'wsgi')).toBeUndefined();
  expect(messageOf(user, 'cgi')).toBeUndefined();
});

test('each option that begins with cgi is for CGI programs', () => {
  const options = Object.keys(userConfigSchema.shape).filter((key) => key.startsWith('cgi'));
  expect(options.length).toBeGreaterThan(10);
  for (const key of options) expect(messageOf({ [key]: 'x' }, 'wsgi'), key).toContain('is for CGI programs');
});

describe('with a TypeScript application', () => {
  test.each<Partial<UserConfig>>([{ env: ['A=b'] }, { timeout: '3s' }, { queueTimeout: '3s' }])(
    '%j needs threads',
    (user) => {
      const [flag] = Object.keys(user);
      expect(messageOf(user, 'app')).toBe(
        `--${flag} is for a TypeScript application in threads, and "it" runs in the gateway itself; add --workers`,
      );
      expect(messageOf({ ...user, workers: 2 }, 'app')).toBeUndefined();
    },
  );
});
