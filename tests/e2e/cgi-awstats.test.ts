/** AWStats: a Perl program of the year 2000 and 22,000 lines, which reads a log and shows statistics of it. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl, type CurlAnswer } from '../support/cgi-bin.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const AWSTATS = '/usr/lib/cgi-bin/awstats.pl';
/** Where it is served, and what its pages link to. */
const PLACE = '/stats/awstats.pl';

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

/** In the combined format: three visitors, one page that most look at, one that is not there. */
function madeUpLog(): string {
  const line = (second: number, host: string, path: string, status = 200): string =>
    `${host} - - [03/Feb/2026:10:00:${String(second).padStart(2, '0')} +0000] "GET ${path} HTTP/1.1" ${status} 1234 "-" "${BROWSER}"\n`;
  return [
    ...Array.from({ length: 12 }, (_, i) => line(i, '192.0.2.1', '/popular.html')),
    line(20, '192.0.2.2', '/rare.html'),
    line(21, '192.0.2.3', '/gone.html', 404),
  ].join('');
}

describe.skipIf(isMissing('AWStats') || isMissing('curl'))('awstats.pl', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    mkdirSync(site.file('data'));
    writeFileSync(site.file('access.log'), madeUpLog());
    const settings = [
      `LogFile="${site.file('access.log')}"`,
      `DirData="${site.file('data')}"`,
      'LogFormat=1',
      'SiteDomain="shop.example.org"',
      'HostAliases="shop.example.org"',
      'DNSLookup=0',
      'UseFramesWhenCGI=0',
      'AllowToUpdateStatsFromBrowser=1',
      'DirCgi="/stats"',
      'DirIcons="/icon"',
      'Lang="en"',
      'DirLang="/usr/share/awstats/lang"',
    ];
    writeFileSync(site.file('awstats.shop.conf'), `${settings.join('\n')}\n`);
    server = await site.serve(
      ['--mount', PLACE, '-e', `AWSTATS_ENABLE_CONFIG_DIR=${site.directory}`],
      AWSTATS,
    );
  });

  afterAll(() => site.close());

  function ask(query: string, ...flags: readonly string[]): Promise<CurlAnswer> {
    return curl(...flags, server.url(`${PLACE}?config=shop&configdir=${site.directory}${query}`));
  }

  test('reads a log when it is told to, and shows what is in it', async () => {
    const updated = await ask('&year=2026&month=02&update=1');
    expect(updated.status).toBe(200);
    expect(updated.headers.get('content-type')).toMatch(/^text\/html/);
    expect(existsSync(site.file('data/awstats022026.shop.txt'))).toBe(true);

    const page = await ask('&year=2026&month=02');
    expect(page.text).toContain('Statistics for shop.example.org');
    expect(page.text).toContain('/popular.html');
    expect(page.text).toContain('192.0.2.1');
    expect(page.text).toContain('Firefox');
    expect(page.text).toMatch(/<\/html>\s*$/);
  });

  test('shows single tables, by query', async () => {
    await ask('&update=1');
    const urls = await ask('&year=2026&month=02&output=urldetail');
    expect(urls.text).toContain('/rare.html');
    expect(urls.text).toMatch(/\/popular\.html<\/a><\/td><td>12<\/td>/);
    const errors = await ask('&year=2026&month=02&output=errors404');
    expect(errors.text).toContain('/gone.html');
  });

  test('takes a POST as well, and none of its words as arguments', async () => {
    const posted = await ask('', '-d', 'year=2026&month=02');
    expect(posted.status).toBe(200);
    // In a shell this is an option. To a CGI program it is a query like any other.
    const words = await curl(server.url(`${PLACE}?-config=shop+-update`));
    expect(words.status).toBe(200);
    expect(words.text).toContain('Error');
  });

  test('says what is wrong', async () => {
    const elsewhere = await curl(server.url(`${PLACE}?config=shop&configdir=/etc`));
    expect(elsewhere.text).toContain(
      'using configdir parameter from an AWStats CGI page is possible only if',
    );
    const unknown = await curl(server.url(`${PLACE}?config=unknown&configdir=${site.directory}`));
    expect(unknown.text).toContain("Couldn't open config file");
  });
});
