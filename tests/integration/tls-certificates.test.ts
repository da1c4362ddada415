/** Which certificate is served, what is said of one that cannot be, and how they are replaced while the server runs. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authority, flagsOf, type CertificatePair } from '../support/certificates.js';
import { Project, sayingApp } from '../support/cli-project.js';
import { curl } from '../support/curl.js';
import { killAllIn, runXgi, spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

let authority: Authority;
let pair: CertificatePair;
let other: CertificatePair;
let project: Project;
let server: XgiServer;

beforeAll(() => {
  authority = new Authority();
  pair = authority.issue('first');
  other = authority.issue('other', { names: ['DNS:other.test', 'DNS:*.other.test'] });
});

beforeEach(() => {
  project = new Project();
  project.write('app.py', sayingApp('hello'));
});

afterEach(() => killAllIn(project.directory));

async function start(...args: readonly string[]): Promise<void> {
  const control = ['--control-socket', project.file('control')];
  server = await startXgi(['app:app', '-w', '1', ...control, ...args], { cwd: project.directory });
  await server.waitForOutput(/Ready after/);
}

/** The common name of the certificate that a client gets. */
function servedTo(servername: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const name = servername === undefined ? {} : { servername };
    const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...name });
    socket.on('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('several certificates', () => {
  test.each([
    [undefined, 'first'],
    ['localhost', 'first'],
    ['nobody.test', 'first'],
    ['other.test', 'other'],
    ['OTHER.test', 'other'],
    ['a.other.test', 'other'],
    ['a.b.other.test', 'first'],
    ['special.other.test', 'special'],
  ])('for %s: %s', async (servername, expected) => {
    const special = authority.issue('special', { names: ['DNS:special.other.test'] });
    await start(...flagsOf(pair, other, special));
    expect(await servedTo(servername)).toBe(expected);
  });

  test('curl verifies the one for its name', async () => {
    await start(...flagsOf(pair, other));
    for (const name of ['localhost', 'other.test', 'www.other.test']) {
      const to = `${name}:${server.port}:127.0.0.1`;
      const { code, body } = await curl(
        '--cacert',
        authority.cert,
        '--resolve',
        to,
        `https://${name}:${server.port}/`,
      );
      expect([name, code, body]).toEqual([name, 0, 'hello']);
    }
  });

  test('a key in the file of its certificate', async () => {
    const both = project.write('both.pem', readFileSync(pair.key, 'utf8') + readFileSync(pair.cert, 'utf8'));
    chmodSync(both, 0o600);
    await start('--certfile', both);
    expect((await curl('--cacert', authority.cert, server.origin)).body).toBe('hello');
  });
});

/** Files of a pair, copied to where a test may change them. */
function copied(): CertificatePair {
  const files = { cert: project.file('server.crt'), key: project.file('server.key') };
  copyFileSync(pair.cert, files.cert);
  copyFileSync(pair.key, files.key);
  chmodSync(files.key, 0o600);
  return files;
}

interface Breakage {
  readonly code: string;
  /** In the message, beside the path. */
  readonly fix: RegExp;
  readonly spoil: (files: CertificatePair) => void;
}

const BREAKAGES: readonly (readonly [string, Breakage])[] = [
  [
    'no such certificate',
    { code: 'XGI_TLS_FILE_MISSING', fix: /check the path/, spoil: ({ cert }) => execFileSync('rm', [cert]) },
  ],
  [
    'no such key',
    { code: 'XGI_TLS_FILE_MISSING', fix: /check the path/, spoil: ({ key }) => execFileSync('rm', [key]) },
  ],
  [
    'the key of another certificate',
    { code: 'XGI_TLS_KEY_MISMATCH', fix: /made together/, spoil: ({ key }) => copyFileSync(other.key, key) },
  ],
  [
    'an expired certificate',
    {
      code: 'XGI_TLS_EXPIRED',
      fix: /renew it/,
      spoil: ({ cert, key }) => {
        const expired = authority.issue('expired', { days: -1 });
        copyFileSync(expired.cert, cert);
        copyFileSync(expired.key, key);
      },
    },
  ],
  [
    'half a certificate',
    {
      code: 'XGI_TLS_NO_CERTIFICATE',
      fix: /expected a certificate in PEM form/,
      spoil: ({ cert }) => writeFileSync(cert, readFileSync(cert, 'utf8').slice(0, 200)),
    },
  ],
  [
    'a certificate for a key',
    {
      code: 'XGI_TLS_NO_KEY',
      fix: /expected a private key in PEM form/,
      spoil: ({ cert, key }) => copyFileSync(cert, key),
    },
  ],
  [
    'an encrypted key',
    {
      code: 'XGI_TLS_KEY_ENCRYPTED',
      fix: /openssl pkey -in/,
      spoil: ({ key }) =>
        execFileSync('openssl', ['ec', '-in', key, '-out', key, '-aes256', '-passout', 'pass:x'], {
          stdio: 'ignore',
        }),
    },
  ],
  [
    'a folder',
    {
      code: 'XGI_TLS_FILE_UNREADABLE',
      fix: /it is a folder/,
      spoil: ({ key }) => execFileSync('sh', ['-c', `rm ${key}; mkdir ${key}`]),
    },
  ],
];

describe('what cannot be served', () => {
  test.each(BREAKAGES)('%s: no start', async (_, { code, fix, spoil }) => {
    const files = copied();
    spoil(files);
    const failed = spawnXgi(['app:app', '-w', '1', '-b', '127.0.0.1:0', ...flagsOf(files)], {
      cwd: project.directory,
    });
    expect((await failed.exited).code).toBe(2);
    const last = failed.stderr.trimEnd().split('\n').at(-1)!;
    expect(last).toMatch(new RegExp(`^xgi: ${code}: .*${project.directory}/server\\.(crt|key)`));
    expect(last).toMatch(fix);
    expect(failed.stderr).not.toContain('Listening at');
  });

  test.each(BREAKAGES)('%s: a reload keeps the old one', async (_, { code, fix, spoil }) => {
    const files = copied();
    await start(...flagsOf(files));
    spoil(files);
    const reload = await runXgi(['reload', '--control-socket', project.file('control')]);
    expect(reload.code).toBe(1);
    expect(reload.stderr).toContain(code);
    expect(server.stderr).toMatch(new RegExp(`\\[ERROR\\] ${code}: .*; the certificates from before stay`));
    expect(server.stderr).toMatch(fix);
    expect((await curl('--cacert', authority.cert, server.origin)).body).toBe('hello');
    expect(await servedTo('localhost')).toBe('first');
  });

  test('a key that everybody can read is served, with a warning', async () => {
    const files = copied();
    chmodSync(files.key, 0o644);
    await start(...flagsOf(files));
    expect(server.stderr).toMatch(/\[WARNING\] XGI_TLS_KEY_MODE: .*chmod o-r .*server\.key/);
  });

  test('--check-config says so too', async () => {
    const files = copied();
    copyFileSync(other.key, files.key);
    const checked = spawnXgi(['app:app', '--check-config', '-b', '127.0.0.1:0', ...flagsOf(files)], {
      cwd: project.directory,
    });
    expect((await checked.exited).code).toBe(2);
    expect(checked.stderr).toContain('XGI_TLS_KEY_MISMATCH');
  });

  test('without openssl there is no --tls-local', async () => {
    const failed = spawnXgi(['app:app', '--tls-local', '-b', '127.0.0.1:0', '--python', '/usr/bin/python3'], {
      cwd: project.directory,
      env: { XDG_CACHE_HOME: project.directory, PATH: project.directory },
    });
    expect((await failed.exited).code).toBe(2);
    expect(failed.stderr).toMatch(/XGI_TLS_LOCAL: .*there is no openssl on PATH.*--certfile/);
  });

  test('a folder for --tls-local that others can enter is not used', async () => {
    execFileSync('mkdir', ['-p', project.file('xgi/tls-local')]);
    chmodSync(project.file('xgi/tls-local'), 0o755);
    const failed = spawnXgi(['app:app', '--tls-local', '-b', '127.0.0.1:0'], {
      cwd: project.directory,
      env: { XDG_CACHE_HOME: project.directory },
    });
    expect((await failed.exited).code).toBe(2);
    expect(failed.stderr).toMatch(/XGI_TLS_LOCAL: .*only this user can enter/);
  });

  test('a port in use', async () => {
    await start(...flagsOf(pair));
    const failed = spawnXgi(['app:app', '-b', `127.0.0.1:${server.port}`, ...flagsOf(pair)], {
      cwd: project.directory,
    });
    expect((await failed.exited).code).toBe(1);
    expect(failed.stderr).toContain('XGI_LISTEN_IN_USE');
  });
});

describe('renewed certificates', () => {
  test.each([
    ['SIGHUP', ['-w', '1']],
    ['xgi reload', ['-w', '1']],
    ['xgi reload', ['--gateways', '2', '-w', '2']],
  ])('%s with %s', async (how, args) => {
    const files = copied();
    await start(...flagsOf(files), ...args);
    const open = connect({
      host: '127.0.0.1',
      port: server.port,
      ca: readFileSync(authority.cert),
      servername: 'localhost',
    });
    await new Promise((resolve) => open.once('secureConnect', resolve));
    const renewed = authority.issue('renewed');
    copyFileSync(renewed.cert, files.cert);
    copyFileSync(renewed.key, files.key);
    if (how === 'SIGHUP') process.kill(server.pid, 'SIGHUP');
    else expect((await runXgi(['reload', '--control-socket', project.file('control')])).code).toBe(0);
    await server.waitForOutput(/Reloaded in/);
    for (let n = 0; n < 12; n++) expect(await servedTo('localhost')).toBe('renewed');
    // A connection from before goes on.
    open.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const [chunk] = (await new Promise<Buffer[]>((resolve) =>
      open.once('data', (data) => resolve([data])),
    )) as [Buffer];
    expect(chunk.toString()).toContain('200 OK');
  });
});

describe('certificates of clients', () => {
  const APP = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    told = [environ.get(name, "-") for name in ("SSL_CLIENT_VERIFY", "SSL_CLIENT_S_DN")]
    return [" ".join(told).encode("latin-1")]
`;
  const SUBJECT = '/O=Exam, ple/CN=Adä';
  let client: CertificatePair;
  let stranger: CertificatePair;

  beforeAll(() => {
    client = authority.issue('client', { subject: SUBJECT });
    stranger = new Authority().issue('stranger');
  });

  beforeEach(() => project.write('app.py', APP));

  async function ask(from: CertificatePair | undefined): Promise<string> {
    const own = from === undefined ? [] : ['--cert', from.cert, '--key', from.key];
    const spoof = ['-H', 'SSL_CLIENT_VERIFY: SUCCESS', '-H', 'SSL-Client-Verify: SUCCESS'];
    const { status, body } = await curl('--cacert', authority.cert, ...own, ...spoof, server.origin);
    return `${status} ${body}`;
  }

  test('none: nobody is asked', async () => {
    await start(...flagsOf(pair));
    expect(await ask(client)).toBe('200 - -');
  });

  test('request: with and without', async () => {
    await start(...flagsOf(pair), '--client-certs', 'request', '--ca-certs', authority.cert);
    expect(await ask(undefined)).toBe('200 NONE -');
    expect(await ask(client)).toMatch(/^200 SUCCESS CN=Ad.*,O=Exam\\, ple$/);
    expect(await ask(stranger)).toMatch(/^400 [^]*XGI_TLS_CLIENT_CERTIFICATE/);
  });

  test('require: nobody else', async () => {
    await start(...flagsOf(pair), '--client-certs', 'require', '--ca-certs', authority.cert);
    expect(await ask(undefined)).toMatch(/^400 [^]*no certificate was sent/);
    expect(await ask(client)).toMatch(/^200 SUCCESS CN=Ad/);
    expect(await ask(stranger)).toMatch(/^400 [^]*XGI_TLS_CLIENT_CERTIFICATE/);
  });
});
