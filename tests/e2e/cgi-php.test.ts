/** PHP by php-cgi, once for each request, as the interpreter of an ending: its scripts are not executable. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { CookieJar } from '../support/cookie-jar.js';
import { run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const SCRIPTS = {
  'request.php': `<?php
header('Content-Type: application/json');
echo json_encode(['get' => $_GET, 'post' => $_POST, 'cookie' => $_COOKIE, 'method' => $_SERVER['REQUEST_METHOD'],
  'pathInfo' => $_SERVER['PATH_INFO'] ?? null, 'scriptName' => $_SERVER['SCRIPT_NAME'], 'self' => $_SERVER['PHP_SELF'],
  'uri' => $_SERVER['REQUEST_URI'], 'file' => __FILE__, 'cwd' => getcwd(), 'sapi' => PHP_SAPI,
  'input' => strlen(file_get_contents('php://input')),
  'header' => $_SERVER['HTTP_X_NAME'] ?? null, 'https' => $_SERVER['HTTPS'] ?? null]);
`,
  'upload.php': `<?php
$file = $_FILES['file'];
header('Content-Type: text/plain');
echo $file['error'], ' ', $file['name'], ' ', $file['size'], ' ', hash_file('sha256', $file['tmp_name']), ' ', $_POST['note'], "\\n";
echo $file['tmp_name'];
`,
  'status.php': `<?php
http_response_code((int) ($_GET['code'] ?? 200));
header('X-One: 1');
header('X-Two: a', false);
header('X-Two: b', false);
echo 'status ', http_response_code();
`,
  'redirect.php': `<?php
header('Location: request.php?from=redirect');
`,
  'session.php': `<?php
session_save_path(__DIR__ . '/../sessions');
session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
setcookie('flavour', 'ginger & lemon', ['path' => '/', 'httponly' => true]);
echo $_SESSION['count'];
`,
  'long.php': `<?php
header('Content-Type: application/octet-stream');
for ($i = 0; $i < 20000; $i++) echo str_pad((string) $i, 999, '.'), "\\n";
`,
  'flush.php': `<?php
header('Content-Type: text/plain');
echo "first\\n";
while (ob_get_level()) ob_end_flush();
flush();
while (!file_exists(__DIR__ . '/../go')) { clearstatcache(); usleep(5000); }
echo "second\\n";
`,
  'exit.php': `<?php
echo 'said before';
error_log('about to exit');
exit(3);
`,
  'fatal.php': `<?php
echo 'before';
undefined_function();
`,
  // No program, but what PHP reads.
  '.user.ini':
    'upload_max_filesize = 16M\npost_max_size = 20M\noutput_buffering = 4096\ndisplay_errors = 0\nlog_errors = 1\nerror_log =\n',
} as const;

describe.skipIf(isMissing('php-cgi') || isMissing('curl'))('php-cgi', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    mkdirSync(site.file('sessions'));
    for (const [name, text] of Object.entries(SCRIPTS)) site.data(name, text);
    const { stdout } = await run('sh', ['-c', 'command -v php-cgi']);
    server = await site.serve(['--cgi-interpreter', `.php=${stdout.trim()}`, '--mount', '/php']);
  });

  afterAll(() => site.close());

  async function ask(pathAndQuery: string, ...flags: readonly string[]): Promise<Record<string, unknown>> {
    const answer = await curl(...flags, server.url(`/php${pathAndQuery}`));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    return JSON.parse(answer.text) as Record<string, unknown>;
  }

  test('$_GET, $_SERVER and PATH_INFO', async () => {
    const seen = await ask(
      '/request.php/more/%C3%BC%20x?a=1&list[]=x&list[]=y&e=%3C%26',
      '-H',
      'X-Name: Zoë',
    );
    expect(seen).toEqual({
      get: { a: '1', list: ['x', 'y'], e: '<&' },
      post: [],
      cookie: [],
      method: 'GET',
      pathInfo: '/more/ü x',
      scriptName: '/php/request.php',
      self: '/php/request.php/more/ü x',
      uri: '/php/request.php/more/%C3%BC%20x?a=1&list[]=x&list[]=y&e=%3C%26',
      file: `${site.programs}/request.php`,
      cwd: site.programs,
      sapi: 'cgi-fcgi',
      input: 0,
      header: 'Zoë',
      https: null,
    });
  });

  test('$_POST: a form, JSON, and a body in chunks', async () => {
    const form = await ask('/request.php?q=1', '--data-urlencode', 'name=Zoë & Co', '-d', 'x[y]=z');
    expect(form).toMatchObject({
      method: 'POST',
      get: { q: '1' },
      post: { name: 'Zoë & Co', x: { y: 'z' } },
    });
    const json = await ask('/request.php', '--json', '{"a":[1,2]}');
    expect(json).toMatchObject({ post: [], input: 11 });
    const chunked = await ask('/request.php', '-H', 'Transfer-Encoding: chunked', '-d', 'a=b');
    expect(chunked).toMatchObject({ post: { a: 'b' }, input: 3 });
    const put = await ask('/request.php', '-X', 'PUT', '-H', 'Content-Type: text/plain', '-d', 'body');
    expect(put).toMatchObject({ method: 'PUT', post: [], input: 4 });
  });

  test('an upload of 5 MB, whose temporary file is gone afterwards', async () => {
    const bytes = randomBytes(5 * 1024 * 1024);
    const file = site.file('größe 5.bin');
    writeFileSync(file, bytes);
    const answer = await curl('-F', `file=@${file}`, '-F', 'note=a&b', server.url('/php/upload.php'));
    const [line, temporary] = answer.text.split('\n');
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(line).toMatch(/^0 größe /);
    expect(line).toContain(` ${bytes.length} ${hash} a&b`);
    expect(temporary).not.toBe('');
    expect(existsSync(temporary!)).toBe(false);
  });

  test('header() and http_response_code()', async () => {
    const teapot = await curl(server.url('/php/status.php?code=418'));
    expect([teapot.status, teapot.text]).toEqual([418, 'status 418']);
    expect([teapot.headers.get('x-one'), teapot.headers.get('x-two')]).toEqual(['1', 'a, b']);
    const missing = await curl(server.url('/php/status.php?code=404'));
    expect([missing.status, missing.reason]).toEqual([404, 'Not Found']);
    const empty = await curl(server.url('/php/status.php?code=204'));
    expect([empty.status, empty.bytes.length]).toEqual([204, 0]);
    const head = await curl('-I', server.url('/php/status.php'));
    expect([head.status, head.headers.get('x-one'), head.bytes.length]).toEqual([200, '1', 0]);

    const redirect = await curl(server.url('/php/redirect.php'));
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, 'request.php?from=redirect']);
    const followed = await curl('-L', server.url('/php/redirect.php'));
    expect(JSON.parse(followed.text)).toMatchObject({ get: { from: 'redirect' } });
  });

  test('a session in a cookie, and a second cookie beside it', async () => {
    const browser = new CookieJar();
    for (const count of ['1', '2', '3'])
      expect(await (await browser.fetch(server.url('/php/session.php'))).text()).toBe(count);
    expect(browser.get('PHPSESSID')).toMatch(/^[\w,-]{20,}$/);
    expect(browser.describe('flavour')).toMatchObject({ value: 'ginger%20%26%20lemon', httpOnly: true });
    const other = await new CookieJar().fetch(server.url('/php/session.php'));
    expect(await other.text()).toBe('1');
  });

  test('a long output is complete, and a flushed one is on its way while the script runs', async () => {
    const long = await curl(server.url('/php/long.php'));
    expect(long.bytes.length).toBe(20_000_000);
    expect(long.text.endsWith(`${'19999'.padEnd(999, '.')}\n`)).toBe(true);

    const response = await fetch(server.url('/php/flush.php'));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('first\n');
    writeFileSync(site.file('go'), '');
    expect((await reader.read()).value).toBe('second\n');
    expect((await reader.read()).done).toBe(true);
  });

  test('a script that ends with a status, or by an error', async () => {
    const exited = await curl(server.url('/php/exit.php'));
    expect([exited.status, exited.text]).toEqual([200, 'said before']);
    await server.waitForOutput(/exit\.php: .*about to exit/);
    await server.waitForOutput(/exit\.php: ended with status 3, after its answer/);

    const fatal = await curl(server.url('/php/fatal.php'));
    expect(fatal.status).toBe(500);
    expect(fatal.text).not.toContain('undefined_function');
    await server.waitForOutput(/fatal\.php: .*Call to undefined function undefined_function\(\)/);
  });

  test('neither its source nor its options can be had by a query (CVE-2012-1823)', async () => {
    for (const query of ['-s', '-h', '-i', '-d+auto_prepend_file=/etc/passwd', '%ADs', '--version']) {
      const answer = await curl(server.url(`/php/status.php?${query}`));
      expect([query, answer.text]).toEqual([query, 'status 200']);
    }
    const settings = await curl(server.url('/php/.user.ini'));
    expect(settings.status).toBeGreaterThanOrEqual(400);
    expect(settings.text).not.toContain('upload_max_filesize');
  });

  test('a script that is not there, and one that has changed a moment ago', async () => {
    expect((await curl(server.url('/php/missing.php'))).status).toBe(404);
    site.data('changing.php', '<?php echo "one";');
    expect((await curl(server.url('/php/changing.php'))).text).toBe('one');
    site.data('changing.php', '<?php echo "two";');
    expect((await curl(server.url('/php/changing.php'))).text).toBe('two');
  });
});
