/** HTTP/2 on the command line, with real clients: curl, nghttp and h2load. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authority, flagsOf, type CertificatePair } from '../support/certificates.js';
import { Project } from '../support/cli-project.js';
import { curl } from '../support/curl.js';
import { pollUntil } from '../support/poll.js';
import { run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';
import { killAllIn, runXgi, startXgi, type XgiServer } from '../support/xgi.js';

const APP = `
import json, os, time
from wsgiref.util import FileWrapper

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/wait":
        open("running", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.005)
    length = 0
    while True:
        chunk = environ["wsgi.input"].read(65536)
        if not chunk:
            break
        length += len(chunk)
    if path == "/file":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return environ["wsgi.file_wrapper"](open("large", "rb"))
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return (b"y" * 10000 for _ in range(300))
    start_response("200 OK", [("Content-Type", "application/json")])
    wanted = ("HTTPS", "wsgi.url_scheme", "SERVER_PROTOCOL", "HTTP_HOST", "HTTP_COOKIE", "CONTENT_LENGTH",
        "SSL_CLIENT_VERIFY")
    return [json.dumps({"length": length, **{name: environ.get(name) for name in wanted}}).encode()]
`;

let authority: Authority;
let pair: CertificatePair;
let project: Project;
let server: XgiServer;

beforeAll(() => {
  authority = new Authority();
  pair = authority.issue('server');
});

beforeEach(() => {
  project = new Project();
  project.write('app.py', APP);
});

afterEach(() => killAllIn(project.directory));

async function start(...args: readonly string[]): Promise<void> {
  const control = ['--control-socket', project.file('control'), '--access-logfile', project.file('access')];
  const flags = ['app:app', '-w', '1', ...control, ...flagsOf(pair), ...args];
  server = await startXgi(flags, { cwd: project.directory, env: { PYTHONDONTWRITEBYTECODE: '1' } });
  await server.waitForOutput(/Ready after/);
}

function trusting(...args: readonly string[]): ReturnType<typeof curl> {
  return curl('--cacert', authority.cert, '--http2', ...args);
}

describe('curl', () => {
  test('the application is told', async () => {
    await start();
    const { status, httpVersion, body } = await trusting('-H', 'Cookie: a=1; b=2', server.origin);
    expect([status, httpVersion]).toEqual([200, '2']);
    expect(JSON.parse(body)).toEqual({
      length: 0,
      HTTPS: 'on',
      'wsgi.url_scheme': 'https',
      SERVER_PROTOCOL: 'HTTP/2.0',
      HTTP_HOST: `127.0.0.1:${server.port}`,
      HTTP_COOKIE: 'a=1; b=2',
      CONTENT_LENGTH: null,
      SSL_CLIENT_VERIFY: null,
    });
    await server.stop();
    expect(readFileSync(project.file('access'), 'utf8')).toContain('"GET / HTTP/2.0" 200 ');
  });

  test('an upload with and without a length, and Expect', async () => {
    await start();
    const file = project.write('upload', 'y'.repeat(5_000_000));
    const known = await trusting('-T', file, server.url('/up'));
    expect(JSON.parse(known.body)).toMatchObject({ length: 5_000_000, CONTENT_LENGTH: '5000000' });
    const unknown = await trusting(
      '-H',
      'Content-Length:',
      '-H',
      'Expect: 100-continue',
      '-T',
      file,
      server.url('/up'),
    );
    expect(JSON.parse(unknown.body)).toMatchObject({ length: 5_000_000 });
  });

  test('a file, a stream, HEAD', async () => {
    await start();
    project.write('large', 'z'.repeat(4_000_000));
    const file = await trusting(server.url('/file'));
    expect(file.body).toBe('z'.repeat(4_000_000));
    const stream = await trusting(server.url('/stream'));
    expect(stream.body).toBe('y'.repeat(3_000_000));
    const head = await trusting('-I', server.origin);
    expect([head.status, head.body.trim()]).toEqual([200, '']);
  });

  test('a certificate of a client', async () => {
    await start('--client-certs', 'require', '--ca-certs', authority.cert);
    const client = authority.issue('client');
    expect((await trusting(server.origin)).status).toBe(400);
    const { body } = await trusting('--cert', client.cert, '--key', client.key, server.origin);
    expect(JSON.parse(body)).toMatchObject({ SSL_CLIENT_VERIFY: 'SUCCESS' });
  });

  test('a CGI program', async () => {
    project.write(
      'env.cgi',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$SERVER_PROTOCOL $HTTPS $REQUEST_SCHEME"\n',
    );
    await run('chmod', ['+x', project.file('env.cgi')]);
    server = await startXgi(['cgi', 'env.cgi', ...flagsOf(pair)], { cwd: project.directory });
    await server.waitForOutput(/Ready after/);
    expect((await trusting(server.origin)).body).toBe('HTTP/2.0 on https');
  });

  test('a request that runs is answered when it stops', async () => {
    await start();
    const answer = trusting(server.url('/wait'));
    await project.running();
    const stopped = server.stop();
    await server.waitForOutput(/Stopping:/);
    project.letGo();
    expect((await answer).status).toBe(200);
    expect((await stopped).code).toBe(0);
  });
});

describe.skipIf(isMissing('nghttp2'))('nghttp2', () => {
  test('nghttp: many on one connection', async () => {
    await start();
    project.write('large', 'z'.repeat(1_000_000));
    const urls = ['/', '/file', '/stream', '/?a=b'].map((path) => server.url(path));
    const { stdout, code } = await run('nghttp', ['-nv', '--no-dep', ...urls], { env: { NO_COLOR: '1' } });
    expect(code).toBe(0);
    expect(stdout.match(/:status: 200/g)).toHaveLength(4);
    expect(stdout).not.toContain('RST_STREAM');
  });

  test('h2load: no request fails, while certificates are renewed and a successor takes over', async () => {
    await start('--gateways', '2', '-w', '2');
    const load = run('h2load', ['-D', '4', '-c', '8', '-m', '20', server.origin]);
    await pollUntil(() => readFileSync(project.file('access'), 'utf8').length > 0, {
      what: 'the first requests',
    });
    expect((await runXgi(['reload', '--control-socket', project.file('control')])).code).toBe(0);
    const { stdout } = await load;
    const [, done, succeeded, failed, errored] =
      /requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(
        stdout,
      ) ?? [];
    expect(Number(done)).toBeGreaterThan(100);
    expect([succeeded, failed, errored]).toEqual([done, '0', '0']);
  });

  test('h2load: a successor takes over, and every stream that was begun is answered', async () => {
    await start('-w', '2');
    const load = run('h2load', ['-n', '3000', '-c', '2', '-m', '10', server.origin]);
    await pollUntil(() => readFileSync(project.file('access'), 'utf8').length > 0, {
      what: 'the first requests',
    });
    process.kill(server.pid, 'SIGUSR2');
    await server.waitForOutput(/Handing over to \d+/);
    const { stdout } = await load;
    // After GOAWAY it opens no connection again, and counts what it has not begun as failed.
    const [, succeeded, status] =
      /, (\d+) succeeded[^]*status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(stdout) ?? [];
    expect(Number(succeeded)).toBeGreaterThan(0);
    expect(status).toBe(succeeded);
  });
});
