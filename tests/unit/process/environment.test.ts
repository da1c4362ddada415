import { expect, test } from 'vitest';
import { cleanEnvironment } from '../../../src/process/environment.js';

test.each([
  'XGI_CMD_ARGS',
  'XGI_ANYTHING',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'LISTEN_PIDFDID',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'MAINPID',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'NODE_OPTIONS',
  'npm_config_//registry.example.org/:_authToken',
  'npm_package_name',
  'npm_lifecycle_event',
  'npm_execpath',
  'NPM_CONFIG_PROXY',
  'SUDO_COMMAND',
  'SUDO_USER',
  'SUDO_UID',
  'SUDO_GID',
  'SUDO_HOME',
])('%s is not handed on', (name) => {
  expect(cleanEnvironment({ [name]: 'secret', PATH: '/bin' })).toEqual({ PATH: '/bin' });
});

test.each([
  'PATH',
  'HOME',
  'LANG',
  'PORT',
  'TMPDIR',
  'VIRTUAL_ENV',
  'PYTHONPATH',
  'DATABASE_URL',
  'DJANGO_SETTINGS_MODULE',
  'SECRET_KEY',
  'NODE_ENV',
  'NODE_EXTRA_CA_CERTS',
  'NPM_TOKEN',
  'LISTEN_ADDRESS',
  'SUDO_ASKPASS',
  'CREDENTIALS_DIRECTORY',
  'JOURNAL_STREAM',
  'MY_XGI_NAME',
  'xgi_name',
  '__proto__',
])('%s is', (name) => {
  const env = Object.defineProperty({}, name, { value: 'value', enumerable: true }) as Record<string, string>;
  expect(Object.entries(cleanEnvironment(env))).toEqual([[name, 'value']]);
});

test('an undefined variable is none; an empty one is one; the given object stays as it is', () => {
  const env = { A: undefined, B: '', XGI_C: 'c' };
  expect(cleanEnvironment(env)).toEqual({ B: '' });
  expect(env).toEqual({ A: undefined, B: '', XGI_C: 'c' });
});
