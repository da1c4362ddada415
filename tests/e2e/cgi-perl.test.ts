/** Perl's CGI.pm: a form with upload, cookies, redirects, as these were written for twenty years. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { CookieJar } from '../support/cookie-jar.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const FORM = `#!/usr/bin/perl -wT
use strict;
use CGI qw(:standard escapeHTML);
use Digest::SHA;

$CGI::POST_MAX = 20 * 1024 * 1024;
my $q = CGI->new;
if (my $error = $q->cgi_error) {
  print $q->header(-status => $error, -type => 'text/plain'), $error;
  exit 0;
}
print $q->header(-type => 'text/html', -charset => 'utf-8'), $q->start_html('Form');
my $name = $q->param('name') // '';
print $q->h1('Hello, ' . escapeHTML($name)) if length $name;
print $q->p({ -class => 'colours' }, join '|', $q->multi_param('colour'));
if (my $upload = $q->upload('file')) {
  binmode $upload;
  my $sha = Digest::SHA->new(256);
  $sha->addfile($upload);
  my $type = $q->uploadInfo(scalar $q->param('file'))->{'Content-Type'};
  print $q->p({ -id => 'upload' }, join ' ', $sha->hexdigest, -s $upload, $type, escapeHTML("$upload"));
}
print $q->start_multipart_form(-action => $q->self_url), $q->textfield('name'), $q->filefield('file'), $q->submit, $q->end_form;
print $q->end_html;
`;

const COOKIES = `#!/usr/bin/perl -T
use strict;
use warnings;
use CGI;

my $q = CGI->new;
my $visits = ($q->cookie('visits') // 0) + 1;
my @cookies = (
  $q->cookie(-name => 'visits', -value => $visits, -path => '/'),
  $q->cookie(-name => 'last', -value => 'a; b & c', -expires => '+1h', -httponly => 1),
);
if ($q->path_info eq '/leave') {
  print $q->redirect(-uri => $q->url . '/arrived?from=leave', -status => 303, -cookie => \\@cookies);
} elsif ($q->path_info eq '/away') {
  print $q->redirect('https://example.org/elsewhere?a=b');
} elsif ($q->path_info eq '/nph') {
  print $q->header(-nph => 0, -status => '402 Payment Required', -type => 'text/plain', -cookie => \\@cookies), "pay\\n";
} else {
  print $q->header(-type => 'text/plain', -cookie => \\@cookies);
  print join "\\n", $visits, $q->path_info, $q->param('from') // '', $q->cookie('last') // '', $q->url(-path_info => 1, -query => 1), '';
}
`;

const NPH = `#!/usr/bin/perl
use CGI;
my $q = CGI->new;
print $q->header(-nph => 1, -status => '203 As I said', -type => 'text/plain'), "by myself\\n";
`;

/** Says something on standard error and dies. */
const CARP = `#!/usr/bin/perl
use strict;
use warnings;
use CGI::Carp;
warn 'a warning <1>';
die "the end of it\\n";
`;

describe.skipIf(isMissing('CGI.pm') || isMissing('curl'))('CGI.pm', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    site.program('form.pl', FORM);
    site.program('cookies.pl', COOKIES);
    site.program('nph-direct.pl', NPH);
    site.program('carp.pl', CARP);
    server = await site.serve(['--mount', '/cgi-bin']);
  });

  afterAll(() => site.close());

  function form(...flags: readonly string[]): ReturnType<typeof curl> {
    return curl(...flags, server.url('/cgi-bin/form.pl'));
  }

  test('a form: by GET, by POST, and by POST with a query', async () => {
    const empty = await form();
    expect([empty.status, empty.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(empty.text).toContain('enctype="multipart/form-data"');
    expect(empty.text).toContain(`action="${server.url('/cgi-bin/form.pl')}"`);

    const fields = ['--data-urlencode', 'name=<Zoë & Co>', '-d', 'colour=red', '-d', 'colour=blue'];
    for (const flags of [['-G'], [], ['-H', 'Transfer-Encoding: chunked']]) {
      const answer = await form(...flags, ...fields);
      expect(answer.text).toContain('<h1>Hello, &lt;Zoë &amp; Co&gt;</h1>');
      expect(answer.text).toContain('<p class="colours">red|blue</p>');
    }
    const both = await curl('-d', 'name=posted', server.url('/cgi-bin/form.pl?name=asked'));
    expect(both.text).toContain('Hello, posted');
  });

  test.each([{ size: 0 }, { size: 1 }, { size: 100_000 }, { size: 5 * 1024 * 1024 }])(
    'an upload of $size bytes',
    async ({ size }) => {
      // What text modes would change is in it for certain.
      const bytes = Buffer.concat([Buffer.from('\r\n\0\x1a\xff--', 'latin1'), randomBytes(size)]).subarray(
        0,
        size,
      );
      const file = site.file('upload <1>.bin');
      writeFileSync(file, bytes);
      const answer = await form(
        '-F',
        `file=@${file};type=application/x-test`,
        '-F',
        'name=with file',
        '-F',
        'colour=red',
      );
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('Hello, with file');
      const hash = createHash('sha256').update(bytes).digest('hex');
      expect(answer.text).toContain(
        `<p id="upload">${hash} ${size} application/x-test upload &lt;1&gt;.bin</p>`,
      );
    },
  );

  test('what is larger than the program takes is refused by it', async () => {
    const file = site.file('large.bin');
    writeFileSync(file, Buffer.alloc(21 * 1024 * 1024));
    const answer = await form('-F', `file=@${file}`);
    expect([answer.status, answer.text]).toEqual([413, '413 Request entity too large']);
  });

  test('two cookies, and a redirect that sets them', async () => {
    const browser = new CookieJar();
    const first = await browser.fetch(server.url('/cgi-bin/cookies.pl'));
    expect(first.headers.getSetCookie()).toHaveLength(2);
    expect((await first.text()).split('\n')[0]).toBe('1');
    expect(browser.describe('last')).toMatchObject({ httpOnly: true, path: '/' });

    const arrived = await browser.fetch(server.url('/cgi-bin/cookies.pl/leave'), {
      method: 'POST',
      body: 'x=y',
    });
    expect(arrived.url).toBe(server.url('/cgi-bin/cookies.pl/arrived?from=leave'));
    expect((await arrived.text()).split('\n')).toEqual([
      '3',
      '/arrived',
      'leave',
      'a; b & c',
      server.url('/cgi-bin/cookies.pl/arrived?from=leave'),
      '',
    ]);
  });

  test('heads of its own', async () => {
    const away = await curl(server.url('/cgi-bin/cookies.pl/away'));
    expect([away.status, away.headers.get('location')]).toEqual([302, 'https://example.org/elsewhere?a=b']);
    const pay = await curl(server.url('/cgi-bin/cookies.pl/nph'));
    expect([pay.status, pay.reason, pay.text]).toEqual([402, 'Payment Required', 'pay\n']);
    const direct = await curl(server.url('/cgi-bin/nph-direct.pl'));
    expect([direct.status, direct.reason, direct.text]).toEqual([203, 'As I said', 'by myself\n']);
  });

  test('a program that dies: 502 for the client, why for the log', async () => {
    const answer = await curl(server.url('/cgi-bin/carp.pl'));
    expect(answer.status).toBe(502);
    expect(answer.text).not.toContain('the end of it');
    await server.waitForOutput(/carp\.pl: \[.*\] carp\.pl: a warning <1> at .*carp\.pl line 5\./);
    await server.waitForOutput(/XGI_CGI_EXIT.*carp\.pl ended with status \d+ before it had sent a head/);
  });
});
