/** gitweb: a Perl program of 8,000 lines that runs git for each page. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl, type CurlAnswer } from '../support/cgi-bin.js';
import { Git, makeSampleRepository, SAMPLE_BYTES, type SampleRepository } from '../support/git.js';
import { run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const GITWEB = '/usr/share/gitweb/gitweb.cgi';
const isUnavailable = isMissing('gitweb') || isMissing('git') || isMissing('curl');

describe.skipIf(isUnavailable)('gitweb', () => {
  const site = new CgiBin();
  let server: XgiServer;
  let sample: SampleRepository;

  beforeAll(async () => {
    sample = await makeSampleRepository(new Git(site.directory), site.directory, 'sample.git');
    writeFileSync(
      site.file('gitweb.conf'),
      [
        `our $projectroot = '${site.directory}';`,
        "our $site_name = 'The site';",
        "$feature{'pathinfo'}{'default'} = [1];",
        "$feature{'snapshot'}{'default'} = ['tgz'];",
        '1;\n',
      ].join('\n'),
    );
    server = await site.serve(
      ['--mount', '/gitweb', '-e', `GITWEB_CONFIG=${site.file('gitweb.conf')}`],
      GITWEB,
    );
  });

  afterAll(() => site.close());

  async function page(pathAndQuery: string): Promise<CurlAnswer> {
    const answer = await curl(server.url(`/gitweb${pathAndQuery}`));
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    return answer;
  }

  test('the list of projects', async () => {
    const { status, text } = await page('');
    expect(status).toBe(200);
    expect(text).toContain('<title>The site</title>');
    expect(text).toContain('href="/gitweb/sample.git"');
    expect(text).toMatch(/<\/html>\s*$/);
  });

  test('the summary of a project, by query and by path', async () => {
    for (const place of ['?p=sample.git;a=summary', '/sample.git', '/sample.git/summary']) {
      const { status, text } = await page(place);
      expect(status, place).toBe(200);
      expect(text).toContain('Add a line &amp; a half');
      expect(text).toContain('First &lt;light&gt;');
      expect(text).toMatch(/<\/html>\s*$/);
    }
  });

  test('log, tree, blob and diff', async () => {
    const log = await page('/sample.git/log');
    expect([...log.text.matchAll(/Zoë Ünal/g)].length).toBeGreaterThanOrEqual(2);

    const tree = await page('?p=sample.git;a=tree;f=src');
    expect(tree.text).toContain('größe &amp; more.c</a>');

    const blob = await page(`/sample.git/blob/${sample.first}:/src/gr%C3%B6%C3%9Fe%20%26%20more.c`);
    expect(blob.text).toContain('return&nbsp;1&nbsp;&lt;&nbsp;2;');

    const diff = await page(`?p=sample.git;a=commitdiff;h=${sample.second}`);
    expect(diff.text).toMatch(
      /<div class="diff add">\+and(?: |&nbsp;)a(?: |&nbsp;)second(?: |&nbsp;)line<\/div>/,
    );

    const plain = await curl(server.url(`/gitweb?p=sample.git;a=commitdiff_plain;h=${sample.second}`));
    expect(plain.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(plain.headers.get('content-disposition')).toMatch(/^inline; filename=".*\.patch"$/);
    expect(plain.text).toContain('\n+and a second line\n');
  });

  test('a file as it is, byte for byte', async () => {
    const raw = await curl(server.url('/gitweb?p=sample.git;a=blob_plain;f=logo.bin'));
    expect(raw.status).toBe(200);
    expect(raw.headers.get('content-type')).toMatch(/^application\/octet-stream\b/);
    expect(raw.bytes.equals(SAMPLE_BYTES)).toBe(true);
  });

  test('a snapshot, which tar unpacks', async () => {
    const place = `/gitweb?p=sample.git;a=snapshot;h=${sample.second};sf=tgz`;
    const snapshot = await curl(server.url(place));
    expect(snapshot.headers.get('content-type')).toMatch(/^application\/x-gzip\b/);
    const archive = site.file('snapshot.tgz');
    writeFileSync(archive, snapshot.bytes);
    const listed = await run('tar', ['-tzf', archive]);
    const prefix = `sample-${sample.second.slice(0, 7)}`;
    expect(listed.stdout.split('\n')).toEqual(
      expect.arrayContaining([`${prefix}/README.txt`, `${prefix}/logo.bin`]),
    );

    // Its own form of a date, which is passed on as it is.
    expect(snapshot.headers.get('last-modified')).toBe('Fri, 2 Jan 2026 03:04:05 +0000');
  });

  test('feeds', async () => {
    const feed = await curl(server.url('/gitweb?p=sample.git;a=atom'));
    expect(feed.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8');
    expect(feed.text).toContain('<title type="html">Add a line &amp; a half</title>');
    const head = await curl('-I', server.url('/gitweb?p=sample.git;a=atom'));
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
  });

  test('what is not there, and what may not be', async () => {
    const missing = await page('?p=missing.git');
    expect([missing.status, missing.reason]).toEqual([404, 'Not Found']);
    expect(missing.text).toContain('404 - No such project');
    const refused = await page('?p=sample.git;a=%3Cscript%3E');
    expect(refused.status).toBe(400);
    expect(refused.text).not.toContain('<script>;');
  });
});
