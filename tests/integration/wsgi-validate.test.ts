/** --validate: what xgi gives an application is as PEP 3333 has it, and what breaks it stands in the log with its request. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMissing } from '../support/test-env.js';
import { run } from '../support/process.js';
import { Project } from '../support/cli-project.js';
import { killAllIn, spawnXgi, startXgi } from '../support/xgi.js';
import { request, WsgiClient } from '../support/wsgi-client.js';
import { type LogRecord, startSite, type Site, wsgiFixtures } from '../support/wsgi-site.js';

const VARIANTS = [
  { name: 'one thread', supervisor: {}, threads: 1 },
  { name: 'several threads', supervisor: {}, threads: 3 },
  { name: 'a zygote', supervisor: { preload: true }, threads: 1 },
];

describe.each(VARIANTS)('with $name', ({ supervisor, threads }) => {
  let site: Site;

  beforeAll(async () => {
    site = await startSite({
      target: 'under_validation:app',
      threads,
      supervisor: { ...supervisor, validate: true },
    });
  });

  afterAll(async () => {
    await site?.stop();
  });

  const findings = (): LogRecord[] => site.log.matching(/^XGI_WSGI_VALIDATE/);

  /** Nothing else is found meanwhile. */
  async function finding(target: string, more: Parameters<typeof request>[2] = {}) {
    const before = findings().length;
    const answer = await request(site.port, target, more);
    await expect.poll(() => findings().length).toBe(before + 1);
    return { answer, record: findings().at(-1)! };
  }

  describe('nothing is found in what xgi gives', () => {
    const body = 'one\ntwo\nthree\nfour';
    test.each([
      ['/', {}, 200, '["GET", "", "/"]'],
      ['/?a=b', { method: 'HEAD' }, 200, ''],
      ['/', { method: 'OPTIONS' }, 200, '["OPTIONS", "", "/"]'],
      ['/', { method: 'TRACE' }, 200, '["TRACE", "", "/"]'],
      ['/', { method: 'DELETE' }, 200, '["DELETE", "", "/"]'],
      ['/reads', { method: 'POST', body }, 200, 'one|\n|two\n|three\n|four||'],
      ['/reads', { method: 'PUT', body: `${'x'.repeat(100_000)}\n` }, 200, undefined],
      ['/errors', {}, 200, 'ok'],
      ['/writes', {}, 200, 'written and returned'],
      ['/starts_again', {}, 503, 'again'],
      ['/late', {}, 200, 'late'],
      ['/no_content', {}, 204, ''],
      ['/not_modified', {}, 304, ''],
      ['/file', {}, 200, readFileSync(path.join(wsgiFixtures, 'under_validation.py'), 'utf8')],
    ] as const)('%s %j', async (target, options, status, text) => {
      const answer = await request(site.port, target, options);
      expect(answer.status).toBe(status);
      if (text !== undefined) expect(answer.body.toString()).toBe(text);
      expect(answer.complete).toBe(true);
      expect(site.log.text).not.toContain('XGI_');
    });

    test.each([
      ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['GET http://shop.example/ HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['GET / HTTP/1.0\r\n\r\n'],
      ['GET / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nX-Empty:\r\n\r\n'],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ])('%j', async (text) => {
      const client = new WsgiClient(site.port);
      client.send(text);
      const answer = await client.answer();
      client.close();
      expect(answer.status, answer.body.toString()).toBe(200);
      expect(site.log.text).not.toContain('XGI_');
    });
  });

  test('a violation is a 500, and one record with the rule, the request and the place', async () => {
    const { answer, record } = await finding('/breaks_status?a=b');
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('Content-Type');
    expect(record.level).toBe('error');
    expect(record.message).toBe(
      'XGI_WSGI_VALIDATE: No Content-Type header found in headers ([]) (PEP 3333, "The start_response() Callable") (GET /breaks_status?a=b)',
    );
    expect(answer.body.toString()).toContain(String(record.fields['requestId']));
    expect(record.fields['detail']).toMatch(/under_validation\.py", line \d+, in breaks_status/);
  });

  test('behind the head, the response is cut, and it is a record', async () => {
    const { answer, record } = await finding('/breaks_block');
    expect(answer.status).toBe(200);
    expect(answer.complete).toBe(false);
    expect(answer.body.toString()).toBe('sent ');
    expect(record.level).toBe('error');
    expect(record.message).toContain("Iterator yielded non-bytestring ('not sent')");
    expect(record.message).toContain('(GET /breaks_block)');
    expect(record.fields['requestId']).toEqual(expect.any(String));
  });

  test('in close(), it is a record', async () => {
    const { answer, record } = await finding('/breaks_close');
    expect([answer.status, answer.complete]).toEqual([200, true]);
    expect(record.level).toBe('error');
    expect(record.message).toContain('input.close() must not be called');
    expect(record.message).toContain('(GET /breaks_close)\n');
    expect(record.fields['requestId']).toEqual(expect.any(String));
  });

  test('a warning is a record, and the answer goes its way', async () => {
    const { answer, record } = await finding('/', { method: 'PROPFIND' });
    expect(answer.status).toBe(200);
    expect(record.level).toBe('warn');
    expect(record.message).toBe(
      `XGI_WSGI_VALIDATE: Unknown REQUEST_METHOD: 'PROPFIND' (PEP 3333, "environ Variables") (PROPFIND /)`,
    );
    expect(record.fields['requestId']).toEqual(expect.any(String));
  });
});

describe('from the command line', () => {
  const project = new Project();
  const BREAKS = `
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]
`;

  beforeAll(() => project.write('app.py', BREAKS));
  afterAll(() => killAllIn(project.directory));

  test('it is off, unless asked for', async () => {
    const server = await startXgi(['app:app', '-w', '1'], { cwd: project.directory });
    expect((await fetch(server.url('/'))).status).toBe(200);
    await server.stop();
    const checked = await startXgi(['app:app', '-w', '1', '--validate', '--dev'], { cwd: project.directory });
    const response = await fetch(checked.url('/'));
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('No Content-Type header found');
    await checked.waitForOutput(/\[ERROR\] XGI_WSGI_VALIDATE: No Content-Type .* \(GET \/\) \(requestId=/);
    await checked.stop();
  });

  test('it is for a WSGI application', async () => {
    const server = spawnXgi(['static', '.', '--validate'], { cwd: project.directory });
    expect((await server.exited).code).toBe(2);
    expect(server.output).toContain('--validate is for a WSGI application');
  });

  test('it is one setting of each application', async () => {
    project.write(
      'xgi.config.yaml',
      `
apps:
  checked: { target: app:app, workers: 1, validate: true }
  free: { target: app:app, workers: 1 }
routes:
  - { path: /free, app: free }
  - { app: checked }
`,
    );
    const server = await startXgi([], { cwd: project.directory });
    expect((await fetch(server.url('/free'))).status).toBe(200);
    expect((await fetch(server.url('/'))).status).toBe(500);
    await server.stop();
  });

  test.skipIf(isMissing('curl'))('over HTTP/2 and TLS, on a Unix socket, and behind a mount', async () => {
    project.write(
      'under_validation.py',
      readFileSync(path.join(wsgiFixtures, 'under_validation.py'), 'utf8'),
    );
    project.write(
      'xgi.config.yaml',
      `
apps:
  app: { target: 'under_validation:app', workers: 1, validate: true }
routes:
  - { path: /mounted, app: app }
  - { app: app }
`,
    );
    const socket = project.file('s');
    const server = await startXgi(['-b', `unix:${socket}`, '-b', '127.0.0.1:0', '--tls-local'], {
      cwd: project.directory,
      env: { XDG_STATE_HOME: project.file('state'), HOME: project.directory },
    });
    const ask = async (...args: string[]): Promise<string> =>
      (await run('curl', ['-sSk', '-w', ' over %{http_version}', ...args])).stdout;
    expect(await ask('--http2', server.url('/'))).toBe('["GET", "", "/"] over 2');
    expect(await ask('--http2', '-d', 'one\ntwo', server.url('/reads'))).toBe('one|\n|two|| over 2');
    expect(await ask('--http2', server.url('/mounted'))).toBe('["GET", "/mounted", ""] over 2');
    expect(await ask('--unix-socket', socket, 'http://a/mounted/')).toBe('["GET", "/mounted", "/"] over 1.1');
    expect(server.output).not.toContain('XGI_');
    await server.stop();
  });
});
