import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveConfig, type ResolvedConfig } from '../../../src/config/resolve.js';
import type { UserConfig } from '../../../src/config/schema.js';
import { ConfigError } from '../../../src/errors.js';
import { parseTrustedProxies } from '../../../src/http/forwarded.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;

beforeAll(() => {
  directory = makeTempDir();
  mkdirSync(path.join(directory, 'sub'));
  writeFileSync(path.join(directory, 'python3'), "#!/bin/sh\nprintf 'xgi-python 3.11.7'\n");
  chmodSync(path.join(directory, 'python3'), 0o755);
});

afterAll(() => removeTempDir(directory));

interface Given {
  readonly env?: Record<string, string>;
  readonly inheritedFds?: readonly number[];
}

function resolve(
  user: Partial<UserConfig>,
  { env = {}, inheritedFds = [] }: Given = {},
): Promise<ResolvedConfig> {
  return resolveConfig(
    { target: 'app:app', ...user },
    {
      cwd: directory,
      env: { PATH: directory, ...env },
      inheritedFds,
      nameOf: (key) => (key === 'target' ? 'TARGET' : `--${key}`),
      nameOfKey: (at) => at.join('.'),
    },
  );
}

test('the defaults', async () => {
  const { trustedProxies, ...config } = await resolve({});
  expect(config).toEqual({
    target: 'app:app',
    cgi: null,
    module: null,
    site: null,
    middleware: [],
    wsgiMiddleware: [],
    validate: false,
    files: null,
    dev: false,
    endpoints: [{ kind: 'tcp', host: '127.0.0.1', port: 8000 }],
    tls: null,
    workers: { min: availableParallelism(), max: availableParallelism() },
    gateways: 1,
    threads: 1,
    directory,
    searchPath: [directory],
    sendfileRoots: [],
    env: {},
    python: { path: path.join(directory, 'python3'), version: '3.11.7' },
    timeoutMs: 30_000,
    queueTimeoutMs: 30_000,
    gracefulTimeoutMs: 30_000,
    recycling: { maxRequests: 0, maxRequestsJitter: 0, maxAgeMs: 0, maxRssBytes: 0 },
    preload: false,
    reloadOnChange: null,
    privileges: { user: null, group: null, umask: null, allowRoot: false },
    hasOwnUser: false,
    proxyProtocol: null,
    limits: {
      maxRequestLineBytes: 4094,
      maxFields: 100,
      maxFieldBytes: 8190,
      maxHeadBytes: 65_536,
      maxBodyBytes: 8 * 2 ** 30,
      maxConnections: 16_384,
    },
    deadlines: {
      handshakeMs: 10_000,
      headMs: 20_000,
      bodyIdleMs: 30_000,
      bodyMinBytesPerSecond: 240,
      writeIdleMs: 60_000,
      keepAliveMs: 65_000,
    },
    backlog: 2048,
    accessLog: { file: null, format: expect.stringContaining('%(h)s') },
    logLevel: 'info',
    pidFile: null,
    controlSocket: 'default',
  });
  const proxies = parseTrustedProxies(trustedProxies);
  expect(['127.0.0.1', '::1', '10.0.0.1'].map((address) => proxies.trusts(address))).toEqual([
    true,
    true,
    false,
  ]);
});

describe('an option', () => {
  test.each<[Partial<UserConfig>, Partial<Record<keyof ResolvedConfig, unknown>>]>([
    [{ workers: '3' }, { workers: { min: 3, max: 3 } }],
    [{ workers: 3 }, { workers: { min: 3, max: 3 } }],
    [{ workers: '2..8' }, { workers: { min: 2, max: 8 } }],
    [
      { gateways: '2', workers: '2' },
      { gateways: 2, workers: { min: 2, max: 2 } },
    ],
    [{ gateways: '60' }, { gateways: 60, workers: { min: 60, max: 60 } }],
    [{ queueTimeout: '5s' }, { queueTimeoutMs: 5000 }],
    [
      { maxRequests: '1000', maxRequestsJitter: '50', maxWorkerAge: '36h', maxWorkerRss: '300mb' },
      {
        recycling: {
          maxRequests: 1000,
          maxRequestsJitter: 50,
          maxAgeMs: 36 * 3_600_000,
          maxRssBytes: 300 * 2 ** 20,
        },
      },
    ],
    [{ preload: true }, { preload: true }],
    [{ reloadExtraFile: ['x'] }, { reloadOnChange: null }],
    [
      { user: 'www-data', group: '33', umask: '027', allowRoot: true },
      { privileges: { user: 'www-data', group: '33', umask: 0o27, allowRoot: true } },
    ],
    [{ controlSocket: 'none' }, { controlSocket: null }],
    [{ threads: '4' }, { threads: 4 }],
    [{ timeout: '0' }, { timeoutMs: 0 }],
    [{ timeout: '500ms' }, { timeoutMs: 500 }],
    [{ gracefulTimeout: '2m' }, { gracefulTimeoutMs: 120_000 }],
    [{ keepAlive: '0' }, { deadlines: expect.objectContaining({ keepAliveMs: 0 }) }],
    [{ limitRequestLine: '256' }, { limits: expect.objectContaining({ maxRequestLineBytes: 256 }) }],
    [{ limitRequestFields: '5' }, { limits: expect.objectContaining({ maxFields: 5 }) }],
    [{ limitRequestFieldSize: '300' }, { limits: expect.objectContaining({ maxFieldBytes: 300 }) }],
    [{ maxBodySize: '10mb' }, { limits: expect.objectContaining({ maxBodyBytes: 10_485_760 }) }],
    [{ maxBodySize: '0' }, { limits: expect.objectContaining({ maxBodyBytes: Number.MAX_SAFE_INTEGER }) }],
    [{ env: ['A=1', 'B=', 'C=x=y'] }, { env: { A: '1', B: '', C: 'x=y' } }],
    [{ backlog: '1' }, { backlog: 1 }],
    [{ logLevel: 'critical' }, { logLevel: 'critical' }],
    [
      { bind: [':1', 'fd://4'] },
      { endpoints: [expect.objectContaining({ port: 1 }), { kind: 'fd', fd: 4 }] },
    ],
    [{ accessLogfile: '-' }, { accessLog: { file: '-', format: expect.stringContaining('%(h)s') } }],
    [{ accessLogfile: '-', accessLogformat: 'json' }, { accessLog: { file: '-', format: 'json' } }],
    [{ accessLogformat: 'json' }, { accessLog: { file: null, format: 'json' } }],
  ])('%j', async (user, expected) => {
    expect(await resolve(user)).toMatchObject(expected);
  });
});

test('all relative paths are relative to chdir', async () => {
  const sub = path.join(directory, 'sub');
  const config = await resolve({
    chdir: 'sub',
    pythonpath: 'lib,,/abs,../up',
    bind: ['unix:s'],
    accessLogfile: 'access.log',
    pid: 'pid',
    python: '../python3',
  });
  expect(config).toMatchObject({
    directory: sub,
    searchPath: [path.join(sub, 'lib'), '/abs', path.join(directory, 'up'), sub],
    endpoints: [{ kind: 'unix', path: path.join(sub, 's') }],
    accessLog: { file: path.join(sub, 'access.log') },
    pidFile: path.join(sub, 'pid'),
    python: { path: path.join(directory, 'python3') },
  });
});

describe('where to listen', () => {
  const inherited = [{ kind: 'fd', fd: 3 }];
  const port = [{ kind: 'tcp', host: '0.0.0.0', port: 5000 }];
  const bound = [{ kind: 'tcp', host: '127.0.0.1', port: 1 }];
  test.each([
    ['PORT', {}, { env: { PORT: '5000' } }, port],
    ['an empty PORT', {}, { env: { PORT: '' } }, [{ kind: 'tcp', host: '127.0.0.1', port: 8000 }]],
    ['inherited sockets win over PORT', {}, { env: { PORT: '5000' }, inheritedFds: [3] }, inherited],
    ['--bind wins over both', { bind: ['127.0.0.1:1'] }, { env: { PORT: 'x' }, inheritedFds: [3] }, bound],
  ])('%s', async (_name, user, given, endpoints) => {
    expect((await resolve(user, given)).endpoints).toEqual(endpoints);
  });
});

describe('trusted proxies', () => {
  test('come from FORWARDED_ALLOW_IPS', async () => {
    const { trustedProxies } = await resolve({}, { env: { FORWARDED_ALLOW_IPS: '10.0.0.0/8' } });
    expect(trustedProxies).toBe('10.0.0.0/8');
  });

  test('the flag wins, even when empty', async () => {
    const { trustedProxies } = await resolve(
      { forwardedAllowIps: '' },
      { env: { FORWARDED_ALLOW_IPS: '*' } },
    );
    expect(trustedProxies).toBe('');
  });
});

describe('an error names the option, what was expected and what was received', () => {
  const workerRange = 'expected a whole number from 1 to 1024, or MIN..MAX, received';
  const wholeNumber = (most: number) => `expected a whole number from 1 to ${most}, received`;
  const duration = 'expected seconds (30) or a duration (500ms, 30s, 2m); 0';
  test.each<[Partial<UserConfig>, string]>([
    [{ workers: 'two' }, `--workers: ${workerRange} "two"`],
    [{ workers: '0' }, `--workers: ${workerRange} "0"`],
    [{ workers: '' }, `--workers: ${workerRange} ""`],
    [{ workers: 1.5 }, `--workers: ${workerRange} 1.5`],
    [{ workers: '1025' }, `--workers: ${workerRange} "1025"`],
    [{ workers: '8..2' }, `--workers: ${workerRange} "8..2"`],
    [{ workers: '0..2' }, `--workers: ${workerRange} "0..2"`],
    [{ umask: '888' }, '--umask: expected an octal number from 0 to 777, received "888"'],
    [
      { gateways: '3', workers: '2..8' },
      '--workers: expected 3 at least, one for each of --gateways, received 2',
    ],
    [{ controlSocket: 'no/such/c' }, '--controlSocket: expected a file in a folder that exists'],
    [{ threads: '-1' }, `--threads: ${wholeNumber(1024)} "-1"`],
    [{ backlog: '70000' }, `--backlog: ${wholeNumber(65_535)} "70000"`],
    [{ timeout: 'x' }, `--timeout: ${duration} for none, at most 24h, received "x"`],
    [{ timeout: '25h' }, `--timeout: ${duration} for none, at most 24h, received "25h"`],
    [{ keepAlive: '-1' }, `--keepAlive: ${duration} to close`],
    [
      { maxBodySize: '10x' },
      '--maxBodySize: expected bytes (8190) or a size (64kb, 10mb, 1gb); 0 for no limit, received "10x"',
    ],
    [
      { limitRequestLine: '0' },
      '--limitRequestLine: expected a whole number from 256 to 32768, received "0"',
    ],
    [
      { limitRequestFields: '99999' },
      '--limitRequestFields: expected a whole number from 1 to 32768, received "99999"',
    ],
    [{ env: ['A=1', 'B'] }, '--env: expected NAME=VALUE, received "B"'],
    [{ env: ['=1'] }, '--env: expected NAME=VALUE, received "=1"'],
    [
      { logLevel: 'trace' as 'debug' },
      '--logLevel: expected one of debug, info, warning, error, critical, received "trace"',
    ],
    [{ pid: '' }, '--pid: expected a file, received ""'],
    [{ accessLogfile: '' }, '--accessLogfile: expected a file, or - for standard output, received ""'],
    [{ chdir: 'none' }, '--chdir: expected a directory, received "none"'],
    [{ chdir: 'python3' }, '--chdir: expected a directory, received "python3"'],
    [
      { bind: [':1', 'x'] },
      '--bind: expected HOST:PORT, [IPV6]:PORT, :PORT, unix:PATH or fd://NUMBER, received "x"; did you mean x:8000?',
    ],
    [
      { bind: [':1', '0.0.0.0:1'] },
      '--bind: expected each address once, received "0.0.0.0:1", which is given twice',
    ],
    [{ bind: ['unix:s', 'unix:./s'] }, '--bind: expected each address once, received "unix:./s"'],
    [{ bind: ['fd://3', 'fd://3'] }, '--bind: expected each address once, received "fd://3"'],
    [
      { bind: ['unix:none/s'] },
      '--bind: expected a file in a folder that exists, received "unix:none/s": there is no folder "/',
    ],
    [
      { pid: 'none/x.pid' },
      '--pid: expected a file in a folder that exists, received "none/x.pid": there is no',
    ],
    [{ pid: 'python3/x.pid' }, '--pid: expected a file in a folder that exists'],
    [{ accessLogfile: 'none/x.log' }, '--accessLogfile: expected a file in a folder that exists'],
    [{ chdir: 'python3/below' }, '--chdir: expected a directory'],
    [{ forwardedAllowIps: 'me' }, '--forwardedAllowIps: expected addresses or ranges'],
    [{ proxyProtocol: true, proxyAllowFrom: 'me' }, '--proxyAllowFrom: expected addresses or ranges'],
    [{ proxyAllowFrom: '10.0.0.0/8' }, '--proxyAllowFrom needs --proxyProtocol'],
    [{ target: 'sub' }, 'TARGET: "sub" cannot be served: it is a directory'],
    [{ python: 'none' }, '--python: expected a Python 3.8 or later, received "none"'],
  ])('%j', async (user, message) => {
    const error: unknown = await resolve(user).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toContain(message);
  });

  test('PORT', async () => {
    await expect(resolve({}, { env: { PORT: 'http' } })).rejects.toThrow(
      'the variable PORT: expected a port from 0 to 65535, received "http"',
    );
  });

  test('TMPDIR', async () => {
    await expect(resolve({}, { env: { TMPDIR: '/none' } })).rejects.toThrow(
      'the variable TMPDIR: expected a directory, received "/none"',
    );
    await expect(resolve({}, { env: { TMPDIR: '' } })).resolves.toBeDefined();
  });

  test('FORWARDED_ALLOW_IPS', async () => {
    await expect(resolve({}, { env: { FORWARDED_ALLOW_IPS: '10.0.0.0/33' } })).rejects.toThrow(
      'the variable FORWARDED_ALLOW_IPS: expected addresses or ranges (10.0.0.0/8) separated by commas, * for all, or nothing, received "10.0.0.0/33"',
    );
  });

  test.each([
    [{ wrokers: 1 }, 'wrokers: there is no such setting; did you mean workers?'],
    [{ 'max-body-size': 3 }, 'max-body-size: there is no such setting; did you mean maxBodySize?'],
    [{ LIMIT_REQUEST_LINE: 3 }, 'there is no such setting; did you mean limitRequestLine?'],
    [{ listen: 8000 }, 'listen: there is no such setting; did you mean bind?'],
    [
      { apps: { shop: { target: 'a:b', midleware: [] } } },
      'apps.shop.midleware: there is no such setting; did you mean middleware?',
    ],
    [
      { routes: [{ app: 'shop', metod: 'GET' }] },
      'routes.0.metod: there is no such setting; did you mean method?',
    ],
  ])('a key that does not exist: %j', async (user, message) => {
    await expect(resolve(user as Partial<UserConfig>)).rejects.toThrow(message);
  });
});

test('port 0 may be given twice: each is another one', async () => {
  expect((await resolve({ bind: ['127.0.0.1:0', '127.0.0.1:0'] })).endpoints.length).toBe(2);
});
