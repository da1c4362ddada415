/**
 * `git http-backend`, which speaks git's smart protocol, with git itself as the client: clone, fetch and push, with the bodies
 * that git sends: small with a length, gzipped, and chunked from 1 MiB on (http.postBuffer).
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { Git } from '../support/git.js';
import { pollUntil } from '../support/poll.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const MIB = 1024 * 1024;
const FLUSH = '0000';
/** Of protocol version 2. */
const DELIMITER = '0001';

describe.skipIf(isMissing('git') || isMissing('curl')).each([
  { how: 'whose bodies are collected', flags: [], pushMiB: 64 },
  { how: 'that reads while a push arrives', flags: ['--cgi-stream-body'], pushMiB: 20 },
])('git http-backend $how', ({ flags, pushMiB }) => {
  const site = new CgiBin();
  const git = new Git(site.directory);
  let server: XgiServer;

  beforeAll(async () => {
    mkdirSync(site.file('repositories'));
    const backend = path.join(await git.read('--exec-path'), 'git-http-backend');
    const env = [`GIT_PROJECT_ROOT=${site.file('repositories')}`, 'GIT_HTTP_EXPORT_ALL=1'];
    server = await site.serve(
      [
        '--mount',
        '/git',
        ...env.flatMap((entry) => ['-e', entry]),
        '--access-logfile',
        site.file('access.log'),
        ...flags,
      ],
      backend,
    );
  });

  afterAll(() => site.close());

  function bare(name: string): string {
    return site.file(`repositories/${name}.git`);
  }

  function url(name: string): string {
    return server.url(`/git/${name}.git`);
  }

  /** A bare repository that is served, and a clone of it over HTTP, both named so. */
  async function makeRepository(name: string, settings: readonly string[] = ['http.receivepack=true']) {
    await git.run(['init', '--bare', '--quiet', bare(name)]);
    for (const setting of settings)
      await git.run(['-C', bare(name), 'config', ...(setting.split('=') as [string, string])]);
    await git.run(['clone', '--quiet', url(name), name]);
  }

  async function commit(name: string, file: string, content: string | Buffer): Promise<string> {
    writeFileSync(site.file(`${name}/${file}`), content);
    await git.run(['-C', name, 'add', '--all']);
    await git.run(['-C', name, 'commit', '--quiet', '-m', `add ${file}`]);
    return await git.read('-C', name, 'rev-parse', 'HEAD');
  }

  /** A repository with three commits that have been pushed; the hash of the last. */
  async function makeFilled(name: string): Promise<string> {
    await makeRepository(name);
    await commit(name, 'first', 'one\n');
    await commit(name, 'second', 'two\n');
    const head = await commit(name, 'third', 'three\n');
    await git.run(['-C', name, 'push', '--quiet', 'origin', 'main']);
    return head;
  }

  /** Runs git, and returns what curl inside it has sent and received: `Send header: Transfer-Encoding: chunked`. */
  async function traced(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const file = site.file(`trace-${randomBytes(6).toString('hex')}`);
    await git.run(args, { GIT_TRACE_CURL: file, GIT_TRACE_CURL_NO_DATA: '1', ...env });
    return readFileSync(file, 'latin1');
  }

  /** What the trace says of the requests: method and path, then the fields that matter for the body. */
  function requestsIn(trace: string): string[] {
    const sent = [...trace.matchAll(/Send header: (.*)/g)].map((match) => match[1]!.trim());
    const requests: string[] = [];
    for (const line of sent) {
      const request = /^(GET|POST) \S*\.git(\S*) HTTP\/1\.1$/.exec(line);
      if (request !== null) requests.push(`${request[1]} ${request[2]}`);
      else if (/^(Transfer-Encoding|Content-Encoding|Git-Protocol):/i.test(line))
        requests.push(`${requests.pop()} ${line}`);
    }
    return requests;
  }

  test('an empty repository is cloned, pushed to, and cloned again', async () => {
    const head = await makeFilled('round-trip');
    expect(await git.read('-C', bare('round-trip'), 'rev-parse', 'main')).toBe(head);
    expect(await git.read('-C', bare('round-trip'), 'fsck', '--strict', '--full')).toBe('');

    await git.run(['clone', '--quiet', url('round-trip'), 'second-clone']);
    expect(await git.read('-C', 'second-clone', 'rev-parse', 'HEAD')).toBe(head);
    expect(readFileSync(site.file('second-clone/third'), 'utf8')).toBe('three\n');
    expect(await git.read('-C', 'second-clone', 'log', '-1', '--format=%an')).toBe('Zoë Ünal');
  });

  test('a fetch brings what others have pushed, and branches and tags that are deleted go', async () => {
    await makeFilled('fetched');
    await git.run(['clone', '--quiet', url('fetched'), 'fetching']);
    const head = await commit('fetched', 'fourth', 'four\n');
    await git.run([
      '-C',
      'fetched',
      'push',
      '--quiet',
      'origin',
      'main',
      'main:refs/heads/topic/ä',
      'main:refs/tags/v1',
    ]);

    await git.run(['-C', 'fetching', 'fetch', '--quiet', '--tags']);
    expect(await git.read('-C', 'fetching', 'rev-parse', 'origin/main', 'origin/topic/ä', 'v1')).toBe(
      [head, head, head].join('\n'),
    );

    await git.run(['-C', 'fetched', 'push', '--quiet', 'origin', '--delete', 'topic/ä']);
    await git.run(['-C', 'fetching', 'fetch', '--quiet', '--prune']);
    expect(await git.read('-C', 'fetching', 'branch', '--remotes')).not.toContain('topic');
    expect(await git.read('-C', bare('fetched'), 'for-each-ref', '--format=%(refname)')).toBe(
      'refs/heads/main\nrefs/tags/v1',
    );
  });

  test.each([
    { version: 0, field: '' },
    { version: 2, field: ' Git-Protocol: version=2' },
  ])('protocol version $version, with a negotiation that git gzips', async ({ version, field }) => {
    const name = `negotiated-${version}`;
    await makeFilled(name);
    await git.run(['clone', '--quiet', url(name), `${name}-b`]);
    // Many commits that the server does not know, and no ref that tells where the common ones begin: hashes upon hashes are
    // offered, until the request is past 1024 bytes.
    await git.run(['-C', `${name}-b`, 'update-ref', '-d', 'refs/remotes/origin/main']);
    await git.run(['-C', `${name}-b`, 'update-ref', '-d', 'refs/remotes/origin/HEAD']);
    for (let i = 0; i < 60; i++)
      await git.run(['-C', `${name}-b`, 'commit', '--quiet', '--allow-empty', '-m', `commit ${i}`]);
    const head = await commit(name, 'fourth', 'four\n');
    await git.run(['-C', name, 'push', '--quiet']);

    const packets = site.file(`${name}.packets`);
    const trace = await traced(['-c', `protocol.version=${version}`, '-C', `${name}-b`, 'fetch', '--quiet'], {
      GIT_TRACE_PACKET: packets,
    });

    const requests = requestsIn(trace);
    expect(requests[0]).toBe(`GET /info/refs?service=git-upload-pack${field}`);
    const gzipped = requests.filter((request) => request.includes('Content-Encoding: gzip'));
    expect(gzipped.length, trace).toBeGreaterThan(0);
    for (const request of gzipped) expect(request).toMatch(/^POST \/git-upload-pack /);
    expect(/fetch< version 2$/m.test(readFileSync(packets, 'utf8'))).toBe(version === 2);
    expect(await git.read('-C', `${name}-b`, 'rev-parse', 'origin/main')).toBe(head);
    expect(await git.read('-C', `${name}-b`, 'fsck', '--full')).not.toMatch(/missing|corrupt|broken/);
  });

  test('a request that is gzipped and chunked at the same time', async () => {
    const head = await makeFilled('gzip-chunked');
    const packet = (line: string): string => (line.length + 4).toString(16).padStart(4, '0') + line;
    const body =
      packet('command=ls-refs\n') + packet('object-format=sha1') + DELIMITER + packet('peel\n') + FLUSH;
    const file = site.file('ls-refs.gz');
    writeFileSync(file, gzipSync(body));
    const answer = await curl(
      ...['-H', 'Content-Type: application/x-git-upload-pack-request', '-H', 'Content-Encoding: gzip'],
      ...['-H', 'Transfer-Encoding: chunked', '-H', 'Git-Protocol: version=2', '--data-binary', `@${file}`],
      `${url('gzip-chunked')}/git-upload-pack`,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-git-upload-pack-result');
    expect(answer.headers.get('cache-control')).toBe('no-cache, max-age=0, must-revalidate');
    expect(answer.text).toContain(`${head} refs/heads/main`);
  });

  test('a shallow clone, deepened and made whole', async () => {
    const head = await makeFilled('shallow');
    await git.run(['clone', '--quiet', '--depth=1', url('shallow'), 'shallow-clone']);
    expect(await git.read('-C', 'shallow-clone', 'rev-list', '--count', 'HEAD')).toBe('1');
    await git.run(['-C', 'shallow-clone', 'fetch', '--quiet', '--deepen=1']);
    expect(await git.read('-C', 'shallow-clone', 'rev-list', '--count', 'HEAD')).toBe('2');
    await git.run(['-C', 'shallow-clone', 'fetch', '--quiet', '--unshallow']);
    expect(await git.read('-C', 'shallow-clone', 'rev-list', '--count', 'HEAD')).toBe('3');
    expect(await git.read('-C', 'shallow-clone', 'rev-parse', 'HEAD')).toBe(head);
    expect(await git.read('-C', 'shallow-clone', 'fsck', '--full')).toBe('');
  });

  test('a push is refused: where pushing is not allowed, by a hook, and one that would lose commits', async () => {
    await makeRepository('closed', []);
    await commit('closed', 'file', 'x\n');
    const closed = await git.attempt(['-C', 'closed', 'push', 'origin', 'main']);
    expect(closed.code).toBe(128);
    expect(closed.stderr).toContain('The requested URL returned error: 403');

    const before = await makeFilled('hooked');
    const hook = path.join(bare('hooked'), 'hooks/pre-receive');
    mkdirSync(path.dirname(hook), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\necho "not on a Friday"\nexit 1\n', { mode: 0o755 });
    await commit('hooked', 'fourth', 'four\n');
    const hooked = await git.attempt(['-C', 'hooked', 'push', 'origin', 'main']);
    expect(hooked.code).toBe(1);
    expect(hooked.stderr).toContain('remote: not on a Friday');
    expect(hooked.stderr).toContain('[remote rejected] main -> main (pre-receive hook declined)');
    expect(await git.read('-C', bare('hooked'), 'rev-parse', 'main')).toBe(before);

    const kept = await makeFilled('kept');
    await git.run(['-C', bare('kept'), 'config', 'receive.denyNonFastForwards', 'true']);
    await git.run(['-C', 'kept', 'reset', '--quiet', '--hard', 'HEAD~1']);
    const forced = await git.attempt(['-C', 'kept', 'push', '--force', 'origin', 'main']);
    expect(forced.stderr).toContain('[remote rejected] main -> main (non-fast-forward)');
    expect(await git.read('-C', bare('kept'), 'rev-parse', 'main')).toBe(kept);
  });

  test('a repository that is not there, and one outside', async () => {
    const missing = await git.attempt(['clone', url('missing'), 'missing']);
    expect(missing.stderr).toContain(`repository '${url('missing')}/' not found`);
    await git.run(['init', '--bare', '--quiet', 'outside.git']);
    for (const dots of ['..', '%2e%2e', '.%2e', '%2E.']) {
      const outside = await curl(
        '--path-as-is',
        server.url(`/git/${dots}/outside.git/info/refs?service=git-upload-pack`),
      );
      expect(outside.status, dots).toBeGreaterThanOrEqual(400);
    }
  });

  test('the old protocol, file by file', async () => {
    const head = await makeFilled('dumb');
    const refs = await curl(`${url('dumb')}/info/refs`);
    expect([refs.status, refs.text]).toEqual([200, `${head}\trefs/heads/main\n`]);
    expect(refs.headers.get('content-type')).toBe('text/plain');
    const headFile = await curl(`${url('dumb')}/HEAD`);
    expect([headFile.status, headFile.text]).toEqual([200, 'ref: refs/heads/main\n']);
    const object = await curl(`${url('dumb')}/objects/${head.slice(0, 2)}/${head.slice(2)}`);
    expect(object.headers.get('content-type')).toBe('application/x-git-loose-object');
    expect(object.headers.get('content-length')).toBe(String(object.bytes.length));
    const file = path.join(bare('dumb'), 'objects', head.slice(0, 2), head.slice(2));
    expect(object.bytes.equals(readFileSync(file))).toBe(true);
    expect((await curl(`${url('dumb')}/config`)).status).toBe(404);
  });

  test('a push of 50 MB, chunked, does not stay in memory; nor does the clone of it', async () => {
    await makeFilled('large');
    // Its memory after the first requests: the code is compiled, the buffers are there.
    const before = residentBytes(server.pid);
    let highest = before;
    const sampling = setInterval(() => (highest = Math.max(highest, residentBytes(server.pid))), 10);
    onTestFinished(() => clearInterval(sampling));

    for (let i = 0; i < 50; i++) writeFileSync(site.file(`large/random-${i}`), randomBytes(MIB));
    await git.run(['-C', 'large', 'config', 'core.compression', '0']);
    const head = await commit('large', 'last', 'all\n');
    const trace = await traced(['-C', 'large', 'push', '--quiet', 'origin', 'main']);

    expect((highest - before) / MIB).toBeLessThan(pushMiB);
    expect(requestsIn(trace)).toContain('POST /git-receive-pack Transfer-Encoding: chunked');
    expect(await git.read('-C', bare('large'), 'rev-parse', 'main')).toBe(head);
    expect(await git.read('-C', bare('large'), 'fsck', '--full')).toBe('');

    await git.run(['clone', '--quiet', url('large'), 'large-clone']);
    expect(await git.read('-C', 'large-clone', 'rev-parse', 'HEAD')).toBe(head);
    expect(statSync(site.file('large-clone/random-49')).size).toBe(MIB);
    expect(await git.read('-C', 'large-clone', 'status', '--porcelain')).toBe('');
    clearInterval(sampling);
    expect((highest - before) / MIB).toBeLessThan(64);
  });

  test('the access log has the requests of all these', async () => {
    await makeFilled('logged');
    const logged = await pollUntil(() => {
      const lines = readFileSync(site.file('access.log'), 'utf8').split('\n');
      const found = lines.filter((line) => line.includes('/git/logged.git/'));
      return found.length >= 4 && found;
    });
    expect(logged.map((line) => /"(\S+ \S+ HTTP\/1\.1)" (\d+)/.exec(line)?.slice(1).join(' '))).toEqual([
      'GET /git/logged.git/info/refs?service=git-upload-pack HTTP/1.1 200',
      'POST /git/logged.git/git-upload-pack HTTP/1.1 200',
      'GET /git/logged.git/info/refs?service=git-receive-pack HTTP/1.1 200',
      'POST /git/logged.git/git-receive-pack HTTP/1.1 200',
    ]);
    for (const line of logged) expect(line).toMatch(/"git\/[\d.]+"$/);
  });
});

/** Memory that a process holds (proc(5), VmRSS). */
function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(kibibytes) * 1024;
}
