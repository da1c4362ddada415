/** cgit: a program in C with git compiled in; it finds everything by PATH_INFO. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl, type CurlAnswer } from '../support/cgi-bin.js';
import { Git, makeSampleRepository, SAMPLE_BYTES, type SampleRepository } from '../support/git.js';
import { run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const CGIT = '/usr/lib/cgit/cgit.cgi';
const isUnavailable = isMissing('cgit') || isMissing('git') || isMissing('curl');

describe.skipIf(isUnavailable)('cgit', () => {
  const site = new CgiBin();
  const git = new Git(site.directory);
  let server: XgiServer;
  let sample: SampleRepository;

  beforeAll(async () => {
    sample = await makeSampleRepository(git, site.directory, 'sample.git');
    const settings = [
      'virtual-root=/cgit/',
      'cache-size=0',
      'snapshots=tar.gz zip',
      'repo.url=sample',
      `repo.path=${site.file('sample.git')}`,
      'repo.desc=A <sample>',
    ];
    writeFileSync(site.file('cgitrc'), `${settings.join('\n')}\n`);
    server = await site.serve(['--mount', '/cgit', '-e', `CGIT_CONFIG=${site.file('cgitrc')}`], CGIT);
  });

  afterAll(() => site.close());

  async function page(pathAndQuery: string): Promise<CurlAnswer> {
    const answer = await curl(server.url(`/cgit${pathAndQuery}`));
    expect(answer.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(answer.text).toMatch(/<\/html>\s*$/);
    return answer;
  }

  test('the index and the summary', async () => {
    const index = await page('/');
    expect(index.status).toBe(200);
    expect(index.text).toContain("<a href='/cgit/sample/'>A &lt;sample&gt;</a>");
    const summary = await page('/sample/');
    expect(summary.text).toContain('Add a line &amp; a half');
    expect(summary.headers.get('last-modified')).not.toBeNull();
  });

  test('log, tree, blob and diff', async () => {
    const log = await page('/sample/log/');
    expect(log.text).toContain(`<a href='/cgit/sample/commit/?id=${sample.second}'>`);
    expect(log.text).toContain('First &lt;light&gt;');
    const tree = await page('/sample/tree/src');
    expect(tree.text).toContain('größe &amp; more.c</a>');
    const blob = await page('/sample/tree/src/gr%C3%B6%C3%9Fe%20%26%20more.c');
    expect(blob.text).toContain('return 1 &lt; 2;');
    const diff = await page(`/sample/diff/?id=${sample.second}`);
    expect(diff.text).toContain("<div class='add'>+and a second line</div>");
    const patch = await curl(server.url(`/cgit/sample/patch/?id=${sample.second}`));
    expect(patch.headers.get('content-type')).toBe('text/plain; charset=UTF-8');
    expect(patch.text).toMatch(/^From [0-9a-f]{40} /);
  });

  test('a file as it is, byte for byte', async () => {
    const raw = await curl(server.url('/cgit/sample/plain/logo.bin'));
    expect(raw.status).toBe(200);
    expect(raw.headers.get('content-length')).toBe('1024');
    expect(raw.bytes.equals(SAMPLE_BYTES)).toBe(true);
  });

  test('a snapshot, which tar unpacks', async () => {
    const name = 'sample-main.tar.gz';
    const snapshot = await curl(server.url(`/cgit/sample/snapshot/${name}`));
    expect(snapshot.headers.get('content-disposition')).toBe(`inline; filename="${name}"`);
    writeFileSync(site.file(name), snapshot.bytes);
    const unpacked = await run('tar', ['-xzf', site.file(name), '-C', site.directory]);
    expect([unpacked.code, unpacked.stderr]).toEqual([0, '']);
    expect(readFileSync(site.file('sample-main/logo.bin')).equals(SAMPLE_BYTES)).toBe(true);
  });

  test('git clones from it, file by file', async () => {
    await git.run(['clone', '--quiet', server.url('/cgit/sample/'), 'clone']);
    expect(await git.read('-C', 'clone', 'rev-parse', 'HEAD')).toBe(sample.second);
    expect(await git.read('-C', 'clone', 'fsck', '--full')).toBe('');
  });

  test('what is not there', async () => {
    const missing = await page('/missing/');
    expect([missing.status, missing.reason]).toEqual([404, 'Not found']);
    expect(missing.text).toContain('No repositories found');
    const file = await page('/sample/plain/missing');
    expect(file.status).toBe(404);
    const head = await curl('-I', server.url('/cgit/sample/'));
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
  });
});
