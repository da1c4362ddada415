/** `xgi check`, `xgi check --print` and `xgi routes`: what a configuration comes to, without serving. */
import { once } from 'node:events';
import { chmodSync, existsSync, linkSync, mkdirSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { Authority, flagsOf } from '../support/certificates.js';
import { hear, Project, sayingApp } from '../support/cli-project.js';
import { cliMain } from '../support/paths.js';
import { run as runProgram } from '../support/process.js';
import { killAllIn, spawnXgi, startXgi } from '../support/xgi.js';

const SITE = `
apps:
  shop: { target: shop:app, workers: 4, env: { PLACE: front } }
  tools: { target: ./cgi-bin }
routes:
  - { app: shop }
  - { path: /cgi-bin, method: [GET, POST], app: tools }
  - { host: "*.example.org", path: /users/:id, headers: { X-Beta: true }, redirect: https://example.org/* }
  - { path: /health, respond: { status: 204 } }
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('shop.py', sayingApp('shop'));
  mkdirSync(project.file('cgi-bin'));
  chmodSync(project.write('cgi-bin/fine.cgi', '#!/bin/sh\n'), 0o755);
  project.write('xgi.config.yaml', SITE);
});

async function run(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const program = spawnXgi([...args], { cwd: project.directory });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** The command is the first word: flags of the tests stand in front of it otherwise. */
function xgi(command: string, ...args: string[]) {
  // Port 0 is free, whatever else runs on this machine.
  const bind = command === 'check' && !args.includes('-b') ? ['-b', '127.0.0.1:0'] : [];
  return run([command, ...args, ...bind]);
}

test('check: each application is loaded, in one worker', async () => {
  const { code, stdout, stderr } = await xgi('check');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^xgi: shop: shop:app can be served \(\/.*\)\nxgi: tools: \.\/cgi-bin can be served \(\/.*\)\n$/,
  );
});

test('check: one that cannot be loaded is named; exit status 3', async () => {
  project.write('shop.py', 'raise ValueError("no database")\n');
  const { code, stderr } = await xgi('check');
  expect(code).toBe(3);
  expect(stderr).toContain('application shop: ');
  expect(stderr).toContain('ValueError: no database');
});

test('check: programs that could not be run are warned of', async () => {
  project.write('cgi-bin/report.pl', '#!/usr/bin/perl\n');
  project.write('cgi-bin/data.txt', 'no program\n');
  chmodSync(project.write('cgi-bin/windows.cgi', '#!/bin/sh\r\n'), 0o755);
  const { code, stdout } = await xgi('check');
  expect(code).toBe(0);
  const warnings = stdout.split('\n').filter((line) => line.startsWith('xgi: warning: '));
  expect(warnings).toHaveLength(2);
  expect(stdout).toMatch(/warning: XGI_CGI_\w+: .*report\.pl/);
  expect(stdout).toMatch(/warning: XGI_CGI_\w+: .*windows\.cgi/);
});

test('check: a file that is wrong, exit status 2', async () => {
  project.write('xgi.config.yaml', SITE.replace('workers', 'wrokers'));
  const { code, stderr } = await xgi('check');
  expect(code).toBe(2);
  expect(stderr).toContain('did you mean workers?');
});

describe('check: an address in use', () => {
  test('by another program: named, with the fix; exit status 2, and that program is not disturbed', async () => {
    const other = createServer((socket) => socket.end('still here'));
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await xgi('check', '-b', `127.0.0.1:${port}`);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      new RegExp(
        `^xgi: XGI_LISTEN_IN_USE: 127\\.0\\.0\\.1:${port}: the address is in use by .* \\(process ${process.pid}\\); stop it or choose another with --bind\n$`,
      ),
    );
    expect(await text(connect(port, '127.0.0.1'))).toBe('still here');
    other.close();
  });

  test('by a socket of another program: the same, and it is not removed', async () => {
    const other = createServer().listen(project.file('web.sock'));
    await once(other, 'listening');
    const { code, stderr } = await xgi('check', '-b', 'unix:web.sock');
    expect(code).toBe(2);
    expect(stderr).toContain(`web.sock: the address is in use by`);
    expect(existsSync(project.file('web.sock'))).toBe(true);
    other.close();
  });

  test('a socket that nobody listens on any more is none, and is left', async () => {
    const other = createServer().listen(project.file('old.sock'));
    await once(other, 'listening');
    linkSync(project.file('old.sock'), project.file('web.sock'));
    other.close();
    expect(await xgi('check', '-b', 'unix:web.sock')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(project.file('web.sock'))).toBe(true);
  });

  test('by an xgi of this configuration: that is as it should be', async () => {
    const control = ['--control-socket', project.file('control')];
    const server = await startXgi(control, { cwd: project.directory });
    onTestFinished(() => killAllIn(project.directory));
    const { code, stdout, stderr } = await xgi('check', ...control, '-b', `127.0.0.1:${server.port}`);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(
      `is served by process ${server.pid}, which has this configuration: xgi reload\n`,
    );
    // Of another configuration, it is in the way.
    const other = ['--config', 'none', 'shop:app', '-b', `127.0.0.1:${server.port}`];
    const refused = await xgi('check', ...other, '--control-socket', project.file('other'));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`in use by`);
    expect(refused.stderr).toContain(`process ${server.pid}`);
    expect(await hear(server.url('/'))).toBe('shop');
  });

  test.runIf(process.getuid?.() === 0)('a port below 1024, without the right to it', async () => {
    const words = [process.execPath, cliMain, 'check', '-b', '127.0.0.1:81'];
    chmodSync(project.directory, 0o755);
    const { code, stderr } = await runProgram(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', ...words],
      {
        cwd: project.directory,
      },
    );
    expect(code).toBe(2);
    expect(stderr).toContain(
      'XGI_LISTEN_DENIED: 127.0.0.1:81: not permitted (EACCES): ports below 1024 need privileges; choose another address with --bind',
    );
  });
});

describe('check: certificates', () => {
  let authority: Authority;

  beforeAll(() => {
    authority = new Authority();
  });

  test('that expire soon, and hosts that none is for: warnings', async () => {
    const pair = authority.issue('site', {
      names: ['DNS:www.example.org', 'DNS:*.shop.example.org'],
      days: 5,
    });
    project.write(
      'xgi.config.yaml',
      `${SITE}  - { host: [www.example.org, a.shop.example.org, blog.example.org], app: shop }\n`,
    );
    const { code, stdout } = await xgi('check', ...flagsOf(pair));
    expect(code).toBe(0);
    expect(warningsOf(stdout)).toEqual([
      expect.stringMatching(/^XGI_TLS_EXPIRES: .*site\.crt: the certificate expires in [45] days: renew it/),
      expect.stringMatching(/^XGI_TLS_HOST: no certificate is for \*\.example\.org, /),
      expect.stringMatching(/^XGI_TLS_HOST: no certificate is for blog\.example\.org, /),
    ]);
  });

  test.each([
    ['missing', 'XGI_TLS_FILE_MISSING: ', 'none.crt: there is no such file; check the path'],
    ['expired', 'XGI_TLS_EXPIRED: ', 'renew it'],
    ['mismatch', 'XGI_TLS_KEY_MISMATCH: ', 'give the two that were made together'],
  ])('that cannot be used: %s, exit status 2', async (what, code, fix) => {
    const pair = authority.issue(what, { days: what === 'expired' ? -1 : 60 });
    const cert = what === 'missing' ? project.file('none.crt') : pair.cert;
    const key = what === 'mismatch' ? authority.issue('other').key : pair.key;
    const outcome = await xgi('check', ...flagsOf({ cert, key }));
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain(code);
    expect(outcome.stderr).toContain(fix);
  });
});

describe('check: a folder of static files that shows more than was meant', () => {
  function check(target: string, ...args: string[]) {
    return xgi('check', '--config', 'none', 'static', target, ...args);
  }

  beforeEach(() => {
    mkdirSync(project.file('public/assets'), { recursive: true });
    project.write('public/index.html', 'page');
    project.write('public/assets/a.js', 'code');
  });

  test('one that does not: no warnings', async () => {
    const { code, stdout } = await check('public');
    expect([code, warningsOf(stdout)]).toEqual([0, []]);
  });

  test.each([
    [
      'a repository',
      '.git/HEAD',
      '',
      /^XGI_STATIC_PROJECT: .*public looks like the folder of a project, with \.git: /,
    ],
    ['settings', '.env', '', /^XGI_STATIC_PROJECT: .* with \.env: /],
    ['packages', 'node_modules/x/index.js', '', /^XGI_STATIC_PROJECT: .* with node_modules: /],
    ['source', 'lib/app.py', '', /^XGI_STATIC_EXPOSED: source code would be sent .*: lib\/app\.py; move it/],
    ['a database', 'db.sqlite3', '', /^XGI_STATIC_EXPOSED: databases and backups .*: db\.sqlite3; /],
    [
      'configuration',
      'docker-compose.yml',
      '',
      /^XGI_STATIC_EXPOSED: configuration .*: docker-compose\.yml; /,
    ],
    ['passwords', 'users.htpasswd', '', /^XGI_STATIC_EXPOSED: passwords .*: users\.htpasswd; /],
    [
      'a key',
      'tls.pem',
      '-----BEGIN PRIVATE KEY-----\n',
      /^XGI_STATIC_EXPOSED: private keys .*: tls\.pem; move them/,
    ],
  ])('%s', async (_what, name, content, warning) => {
    mkdirSync(path.dirname(project.file(`public/${name}`)), { recursive: true });
    project.write(`public/${name}`, content);
    const { code, stdout } = await check('public');
    expect([code, warningsOf(stdout)]).toEqual([0, [expect.stringMatching(warning)]]);
  });

  test('a certificate is no key, and of many files three are named', async () => {
    project.write('public/ca.pem', '-----BEGIN CERTIFICATE-----\n');
    for (const name of ['a', 'b', 'c', 'd', 'e']) project.write(`public/${name}.sql`, '');
    const { stdout } = await check('public');
    expect(warningsOf(stdout)).toEqual([
      expect.stringMatching(/: [a-e]\.sql, [a-e]\.sql, [a-e]\.sql and 2 more; /),
    ]);
  });

  test.each([
    ['/', 'the whole file system'],
    ['/etc', 'a folder of the system'],
    [homedir(), 'the home of a user'],
  ])('the folder %s', async (folder, why) => {
    const { code, stdout } = await check(folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^xgi: warning: XGI_STATIC_ROOT_WIDE: /);
    if (folder === '/') expect(stdout).toContain(why);
  });

  test('with the configuration file, an application and CGI programs in it', async () => {
    project.write(
      'xgi.config.yaml',
      SITE.replace('routes:', '  files: { kind: static, target: . }\nroutes:') +
        '  - { path: /files, app: files }\n',
    );
    const { code, stdout } = await xgi('check');
    expect(code).toBe(0);
    for (const what of [
      'files: the configuration file ',
      'files: the application shop:app ',
      'files: a folder of CGI programs, whose source could be read, ',
    ])
      expect(stdout).toContain(`xgi: warning: XGI_STATIC_EXPOSED: ${what}`);
  });

  test.runIf(process.getuid?.() === 0)('a file that its user may not read', async () => {
    chmodSync(project.directory, 0o755);
    chmodSync(project.write('public/secret.html', ''), 0o600);
    const { code, stdout } = await check('public', '--user', 'nobody');
    expect(code).toBe(0);
    expect(warningsOf(stdout)).toEqual([
      expect.stringMatching(/^XGI_STATIC_UNREADABLE: user \d+ may not read, in .*: secret\.html; /),
    ]);
  });
});

function warningsOf(stdout: string): string[] {
  return [...stdout.matchAll(/^xgi: warning: (.*)$/gm)].map((match) => match[1]!);
}

const RATED = '{ rateLimit: { limit: 9, by: user } }';
const USERS = '{ basicAuth: { users: { bob: "{SHA}8za3aCGwa9nwmE9m+HGcdXRj7lY=" } } }';
const CORS = '{ cors: { origins: ["https://app.example.org"] } }';
const INJECTED = '{ injectHtml: { body: x } }';

describe('check: middleware in an order in which it does nothing', () => {
  test.each([
    [
      `[${INJECTED}, compression]`,
      '[]',
      [/middleware\[0\]: injectHtml finds answers compressed, .* behind compression$/],
    ],
    [`[${INJECTED}]`, '[compression]', [/ middleware\[0\]: injectHtml finds/]],
    [`[compression, ${INJECTED}]`, '[]', []],
    [
      '[]',
      `[cache, ${USERS}]`,
      [/ routes\[0\]\.middleware\[0\]: basicAuth is not asked about what cache has kept/],
    ],
    [`[${USERS}, cache]`, '[]', []],
    ['[cache, requestId]', '[]', [/ middleware\[0\]: cache keeps what requestId says in an answer/]],
    ['[requestId, cache]', '[]', []],
    [`[${USERS}]`, `[${CORS}]`, [/ middleware\[0\]: basicAuth refuses preflights, .* before cors can/]],
    [`[${CORS}]`, `[${USERS}]`, []],
    [
      `[${USERS}]`,
      '[{ cache: { defaultTtl: 1m } }]',
      [/ routes\[0\]\.middleware\[0\]: cache\.defaultTtl keeps nothing behind basicAuth/],
    ],
    ['[{ cache: { defaultTtl: 1m } }]', '[]', []],
    [
      `[${RATED}, ${USERS}]`,
      '[]',
      [/ middleware\[0\]: rateLimit is to count by user, and counts by address/],
    ],
    [`[${USERS}, ${RATED}]`, '[]', []],
    [`[./mark.ts, ${RATED}]`, '[]', []],
  ])('%s, and of a route %s', async (ofServer, ofRoute, warnings) => {
    project.write('mark.ts', 'export default (next) => next;\n');
    project.write(
      'order.yaml',
      `apps: { shop: { target: shop:app, workers: 1 } }\nmiddleware: ${ofServer}\nroutes:\n  - { path: /a/*, app: shop, middleware: ${ofRoute} }\n  - { app: shop }\n`,
    );
    const { code, stdout } = await xgi('check', '-c', 'order.yaml');
    expect(code).toBe(0);
    const found = warningsOf(stdout).filter((warning) => warning.startsWith('XGI_MIDDLEWARE_ORDER: '));
    expect(found).toEqual(warnings.map((warning) => expect.stringMatching(warning)));
  });
});

test('check --print: no secrets', async () => {
  project.write('tenant.ts', 'export default () => (next) => next;\n');
  project.write(
    'secret.yaml',
    `target: shop:app
middleware:
  - bearer: { secret: ${'hunter2'.repeat(5)}, audience: shop }
  - basicAuth: { users: { bob: "{SHA}8za3aCGwa9nwmE9m+HGcdXRj7lY=" } }
  - ./tenant.ts: { place: front, password: hunter2 }
  - werkzeug.middleware:Some: { token: hunter2 }
`,
  );
  const { code, stdout } = await xgi('check', '--print', '-c', 'secret.yaml');
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/hunter2|8za3/);
  expect(stdout.match(/: <hidden>$/gm)).toHaveLength(4);
  expect(stdout).toContain('place: front');
  expect(stdout).toMatch(/audience:\n +- shop/);
});

test('check --print: what is used, defaults too, as YAML', async () => {
  const { code, stdout } = await xgi('check', '--print', '-b', '127.0.0.1:7');
  expect(code).toBe(0);
  expect(parse(stdout)).toMatchObject({
    endpoints: [{ kind: 'tcp', host: '127.0.0.1', port: 7 }],
    backlog: 2048,
    site: { apps: { shop: { target: 'shop:app', workers: { min: 4, max: 4 }, env: { PLACE: 'front' } } } },
  });
  expect(stdout.match(/\bendpoints:/g)).toHaveLength(1);
  expect(stdout.match(/\bthreads:/g)).toHaveLength(stdout.match(/\btarget:/g)!.length - 1);
});

test('routes: in the order in which they are tried', async () => {
  expect(await xgi('routes')).toEqual({
    code: 0,
    stderr: '',
    stdout:
      '*.example.org  /users/:id  x-beta: any    → redirect 302 https://example.org/*\n' +
      'any host       /cgi-bin    GET,POST,HEAD  → tools: cgi ./cgi-bin\n' +
      'any host       /health                    → respond 204\n' +
      'any host       /                          → shop: wsgi shop:app\n',
  });
});

test('routes: what stands in front, of the server, the route and the application, outermost first', async () => {
  mkdirSync(project.file('public'));
  project.write('tenant.ts', 'export default (next) => (request) => next(request);');
  project.write(
    'xgi.config.yaml',
    `
middleware: [requestId, { headers: { security: true } }]
apps:
  public: { kind: static, target: ./public, middleware: [compression] }
  shop: { target: shop:app, middleware: [./tenant.ts, { rateLimit: { limit: 9 } }, "wsgiref.validate:validator"] }
routes:
  - { app: [public, shop] }
  - { path: /admin, app: shop, middleware: [{ ip: { allow: [10.0.0.0/8] } }] }
  - { path: /about$, redirect: /me, middleware: [{ accessLog: { file: "-" } }] }
`,
  );
  const shop = './tenant.ts → rateLimit → wsgiref.validate:validator → shop: wsgi shop:app';
  expect(await xgi('routes')).toEqual({
    code: 0,
    stderr: '',
    stdout:
      `any host  /admin   → requestId → headers → ip → ${shop}\n` +
      'any host  /about$  → requestId → headers → accessLog → redirect 302 /me\n' +
      `any host  /        → requestId → headers → compression → public: static ./public, else → ${shop}\n`,
  });
});

test('routes: functions in a module of configuration, by their names', async () => {
  rmSync(project.file('xgi.config.yaml'));
  project.write(
    'xgi.config.ts',
    `import { defineConfig, requestId, type Middleware } from 'xgi';
const tenant: Middleware = (next) => (request) => next(request);
export default defineConfig({ target: 'shop:app', middleware: [requestId(), tenant, (next) => next] });
`,
  );
  expect((await xgi('routes')).stdout).toBe(
    'any host  /  → requestId() → tenant() → a function → wsgi shop:app\n',
  );
});

test('routes of one application', async () => {
  expect((await xgi('routes', '--config', 'none', 'shop:app')).stdout).toBe('any host  /  → wsgi shop:app\n');
});
