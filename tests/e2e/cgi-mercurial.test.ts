/**
 * Mercurial's hgweb.cgi with `hg` as the client. hg puts its arguments into many fields (X-HgArg-1, …), and pushes a body with its
 * length; hgweb answers `Status: 200 Script output follows`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { pollUntil } from '../support/poll.js';
import { run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

/** As Mercurial ships it; the first line is that of hg, for its interpreter finds the modules. */
function hgwebCgi(interpreter: string, config: string): string {
  return `#!${interpreter}
config = b"${config}"
from mercurial import demandimport

demandimport.enable()
from mercurial.hgweb import hgweb, wsgicgi

application = hgweb(config)
wsgicgi.launch(application)
`;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.skipIf(isMissing('Mercurial') || isMissing('curl'))('hgweb.cgi', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    for (const name of ['open', 'marked', 'closed']) await hg('init', name);
    // Tests have no TLS.
    const settings = '[web]\nallow-push = *\npush_ssl = false\nallow-archive = gz\n';
    for (const name of ['open', 'marked']) writeFileSync(site.file(`${name}/.hg/hgrc`), settings);
    const paths = ['open', 'marked', 'closed'].map((name) => `${name} = ${site.file(name)}\n`);
    writeFileSync(site.file('hgweb.config'), `[paths]\n${paths.join('')}`);
    const { stdout } = await run('sh', ['-c', 'head -n 1 "$(command -v hg)"']);
    const [, interpreter = '/usr/bin/env python3'] = /^#!\s*(\S.*)$/m.exec(stdout) ?? [];
    site.program('hgweb.cgi', hgwebCgi(interpreter, site.file('hgweb.config')));
    const log = ['--access-logfile', site.file('access.log'), '--access-logformat', '%(r)s %({x-hgarg-2}i)s'];
    server = await site.serve(log);
  });

  afterAll(() => site.close());

  function attempt(...args: readonly string[]): ReturnType<typeof run> {
    return run('hg', ['--noninteractive', ...args], {
      cwd: site.directory,
      env: {
        HGPLAIN: '1',
        HGRCPATH: '',
        HGUSER: 'Zoë <zoe@example.org>',
        HGENCODING: 'UTF-8',
        no_proxy: '*',
      },
    });
  }

  async function hg(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await attempt(...args);
    if (code !== 0) throw new Error(`hg ${args.join(' ')} ended with status ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  function url(name: string): string {
    return server.url(`/hgweb.cgi/${name}`);
  }

  async function commit(clone: string, file: string, content: string | Buffer): Promise<string> {
    writeFileSync(site.file(`${clone}/${file}`), content);
    await hg('-R', clone, 'commit', '--addremove', '-m', `add ${file} & more`);
    return await hg('-R', clone, 'log', '-r', '.', '-T', '{node}');
  }

  test('clone, push, and pull into another clone', async () => {
    await hg('clone', url('open'), 'first');
    const bytes = randomBytes(3_000_000);
    await commit('first', 'naïve.txt', 'one\n');
    const head = await commit('first', 'random.bin', bytes);
    expect(await hg('-R', 'first', 'push')).toContain('remote: added 2 changesets with 2 changes to 2 files');
    expect(await hg('-R', 'open', 'log', '-r', 'tip', '-T', '{node}')).toBe(head);
    expect(await hg('-R', 'open', 'verify')).toContain('checked 2 changesets with 2 changes to 2 files');

    await hg('clone', '--quiet', url('open'), 'second');
    expect(sha256(readFileSync(site.file('second/random.bin')))).toBe(sha256(bytes));
    const next = await commit('first', 'third.txt', 'three\n');
    await hg('-R', 'first', 'push', '--quiet');
    expect(await hg('-R', 'second', 'pull', '--update')).toContain(
      'added 1 changesets with 1 changes to 1 files',
    );
    expect(await hg('-R', 'second', 'id', '--id', '--debug')).toBe(`${next}\n`);
    expect(await hg('-R', 'second', 'incoming', '--quiet').catch(() => 'no changes')).toBe('no changes');
  });

  test('many heads and bookmarks, whose hashes do not fit one field', async () => {
    await hg('init', 'heads');
    // That many first commits.
    await hg('-R', 'heads', 'debugbuilddag', '+1 $ '.repeat(40));
    const marks = Array.from({ length: 30 }, (_, i) => `mark-${i}-ü`);
    await hg('-R', 'heads', 'bookmark', '-r', 'tip', ...marks);
    await hg(
      '-R',
      'heads',
      'push',
      '--quiet',
      '--force',
      '-r',
      'all()',
      ...marks.flatMap((mark) => ['-B', mark]),
      url('marked'),
    );
    const kept = await hg('-R', 'marked', 'bookmarks', '-T', '{bookmark}\n');
    expect(kept.trim().split('\n').toSorted()).toEqual(marks.toSorted());

    await hg('clone', '--quiet', url('marked'), 'marked-clone');
    expect((await hg('-R', 'marked-clone', 'heads', '-T', '{node}\n')).trim().split('\n')).toHaveLength(40);
    await pollUntil(
      () => /cmd=getbundle\S* .*[0-9a-f]{40}/.test(readFileSync(site.file('access.log'), 'utf8')),
      {
        what: 'a getbundle with an X-HgArg-2',
      },
    );
  });

  test('a push that is not allowed changes nothing', async () => {
    await hg('clone', '--quiet', url('closed'), 'refused');
    await commit('refused', 'file', 'x\n');
    const push = await attempt('-R', 'refused', 'push');
    expect(push.code).toBe(255);
    expect(push.stderr).toMatch(/abort: (HTTP Error 403: ssl required|authorization failed)/);
    expect(await hg('-R', 'closed', 'log')).toBe('');
  });

  test('its pages', async () => {
    await hg('clone', '--quiet', url('open'), 'paged');
    const node = await commit('paged', 'page.txt', '<b>&\n');
    await hg('-R', 'paged', 'push', '--quiet', '--force');

    const index = await curl(server.url('/hgweb.cgi'));
    expect([index.status, index.reason]).toEqual([200, 'Script output follows']);
    expect(index.text).toContain('href="/hgweb.cgi/open/"');
    const log = await curl(`${url('open')}/shortlog`);
    expect(log.text).toContain('add page.txt &amp; more');
    const file = await curl(`${url('open')}/file/${node}/page.txt`);
    expect(file.text).toContain('&lt;b&gt;&amp;');
    const raw = await curl(`${url('open')}/raw-file/${node}/page.txt`);
    expect([raw.text, raw.headers.get('content-length')]).toEqual(['<b>&\n', '5']);

    const tag = raw.headers.get('etag') ?? (await curl(`${url('open')}/shortlog`)).headers.get('etag');
    expect(tag).toMatch(/^W\/".+"$/);
    const again = await curl('-H', `If-None-Match: ${tag}`, `${url('open')}/shortlog`);
    expect([again.status, again.bytes.length]).toEqual([304, 0]);

    const archive = await curl(`${url('open')}/archive/${node}.tar.gz`);
    expect(archive.headers.get('content-type')).toBe('application/x-gzip');
    writeFileSync(site.file('archive.tgz'), archive.bytes);
    const listed = await run('tar', ['-tzf', site.file('archive.tgz')]);
    expect(listed.stdout).toContain(`open-${node}/page.txt\n`);

    const missing = await curl(`${url('open')}/rev/123456789abc`);
    expect(missing.status).toBe(404);
    expect(missing.text).toContain('unknown revision');
  });
});
