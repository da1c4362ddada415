import { expect, test } from 'vitest';
import { parseCommandLine } from '../../../src/cli/command-line.js';
import { createProgram } from '../../../src/cli/program.js';
import { readSettingVariables, variableOf } from '../../../src/cli/setting-variables.js';
import { APPLICATION_SETTINGS, SERVER_SETTINGS } from '../../../src/config/schema.js';
import type { ConfigError } from '../../../src/errors.js';

function read(env: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return readSettingVariables(createProgram('1.2.3').options, env);
}

test.each([
  [{ XGI_WORKERS: '4' }, { workers: '4' }],
  [{ XGI_MAX_BODY_SIZE: '10mb' }, { maxBodySize: '10mb' }],
  [{ XGI_BIND: ':80 unix:/run/x.sock' }, { bind: [':80', 'unix:/run/x.sock'] }],
  [{ XGI_ENV: `A=1 'B=two words'` }, { env: ['A=1', 'B=two words'] }],
  [{ XGI_PROXY_PROTOCOL: 'true' }, { proxyProtocol: true }],
  [{ XGI_LISTING: 'false' }, { listing: false }],
  [{ XGI_CGI_WARM: 'false' }, { cgiWarm: false }],
  [{ XGI_CONFIG: 'other.yaml' }, { config: 'other.yaml' }],
  [{ XGI_WORKERS: '' }, {}],
  [{ XGI_CMD_ARGS: '-w 2', XGI_GATEWAY: '1', XGI_HANDOVER: '{}' }, {}],
  [{ XGI_SERVICE_HOST: '10.0.0.1', XGI_PORT: 'tcp://10.0.0.1:80', WORKERS: '4' }, {}],
])('%j', (env, flags) => {
  expect(read(env)).toEqual(flags);
});

test('there is one for each setting', () => {
  // The command line has TARGET, and wsgi, cgi, static and app.
  const settings = [...APPLICATION_SETTINGS, ...SERVER_SETTINGS].filter(
    (key) => key !== 'target' && key !== 'kind',
  );
  const known = settings.filter((key) => {
    const name = variableOf(key);
    return ['x', 'true'].some((value) => {
      try {
        return key in read({ [name]: value });
      } catch {
        return false;
      }
    });
  });
  expect(known).toEqual(settings);
});

test.each([
  [
    { XGI_WROKERS: '4' },
    'XGI_CONFIG_KEY',
    'the variable XGI_WROKERS: there is no such setting; did you mean XGI_WORKERS?',
  ],
  [
    { XGI_LISTING: 'yes' },
    'XGI_CONFIG_USAGE',
    'the variable XGI_LISTING: expected true or false, received "yes"',
  ],
  [
    { XGI_ENV: `A='1` },
    'XGI_CONFIG_USAGE',
    `the variable XGI_ENV: expected words as in a shell, received "A='1", in which a quote is not closed`,
  ],
])('%j is refused', (env, code, message) => {
  expect(() => read(env)).toThrow(expect.objectContaining({ code, message }) as ConfigError);
});

test('flags win over XGI_CMD_ARGS, which wins over the variable of a setting; a message names where a value is from', () => {
  const { config, configFile, nameOf } = parseCommandLine(
    ['app:app', '-w', '3'],
    {
      XGI_CMD_ARGS: '-w 2 --threads 4',
      XGI_WORKERS: '1',
      XGI_THREADS: '2',
      XGI_TIMEOUT: '5s',
      XGI_CONFIG: 'none',
    },
    '1.2.3',
  );
  expect(config).toEqual({ target: 'app:app', workers: '3', threads: '4', timeout: '5s' });
  expect(configFile).toBe('none');
  expect(['workers', 'threads', 'timeout', 'bind'].map((key) => nameOf(key as 'workers'))).toEqual([
    '--workers',
    '--threads (in XGI_CMD_ARGS)',
    'the variable XGI_TIMEOUT',
    '--bind',
  ]);
});
