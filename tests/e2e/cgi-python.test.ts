/**
 * Python scripts, with each interpreter of this machine from 2.7 on by its first line: the modules cgi and http.cookies as such
 * scripts have used them since 1995, and what is left of them in 3.13.
 */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { CookieJar } from '../support/cookie-jar.js';
import { findInterpreters } from '../support/interpreters.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

const HELLO = `
import os, sys
print("Content-Type: text/plain; charset=utf-8")
print("")
print("Hello from %d.%d" % sys.version_info[:2])
print(os.environ["QUERY_STRING"])
print("%s %d %s" % (os.path.basename(sys.argv[0]), len(sys.argv), __name__))
import beside
print(beside.WORD)
sys.stdout.flush()
sys.stderr.write("a note from %s\\n" % os.path.basename(__file__))
`;

const FORM = `
import cgi, hashlib, sys
form = cgi.FieldStorage()
if form.getfirst("fail"):
    raise ValueError("told to fail")
print("Content-Type: text/plain; charset=utf-8\\n")
print("|".join(form.getlist("colour")))
if "file" in form:
    item = form["file"]
    data = item.file.read()
    print("%s %d %s %s" % (item.filename, len(data), hashlib.sha256(data).hexdigest(), item.type))
`;

const COOKIES = `
import os, sys
try:
    from http.cookies import SimpleCookie
    from urllib.parse import parse_qs
except ImportError:
    from Cookie import SimpleCookie
    from urlparse import parse_qs
body = sys.stdin.read(int(os.environ.get("CONTENT_LENGTH") or 0))
asked = parse_qs(body or os.environ["QUERY_STRING"])
cookies = SimpleCookie(os.environ.get("HTTP_COOKIE", ""))
visits = int(cookies["visits"].value) + 1 if "visits" in cookies else 1
new = SimpleCookie()
new["visits"] = str(visits)
new["visits"]["path"] = "/"
new["name"] = asked.get("name", ["nobody"])[0]
new["name"]["httponly"] = True
if os.environ["PATH_INFO"] == "/leave":
    print("Status: 303 See Other\\nLocation: %s" % os.environ["SCRIPT_NAME"])
print(new)
print("Content-Type: text/plain\\n")
print(visits)
`;

const STATUS = `
import sys
code = sys.stdin.read()
print("Content-Type: text/plain\\n\\nexits")
sys.exit(int(code) if code.isdigit() else code)
`;

/** Output that a buffer holds until the end, then bytes that are no text. */
const BYTES = `
import sys
out = getattr(sys.stdout, "buffer", sys.stdout)
out.write(b"Content-Type: application/octet-stream\\r\\nContent-Length: 2560\\r\\n\\r\\n")
out.write(bytes(bytearray(range(256))) * 10)
`;

const SCRIPTS = { hello: HELLO, form: FORM, cookies: COOKIES, status: STATUS, bytes: BYTES };

const interpreters = await findInterpreters();

describe.skipIf(isMissing('curl'))('Python scripts', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    site.data('beside.py', 'WORD = "from the module beside it"\n');
    server = await site.serve();
  });

  afterAll(() => site.close());

  describe.each(interpreters)('of $name', ({ path, version, hasCgi }) => {
    const suffix = `${version}${path.startsWith('/usr/bin') ? '-debian' : ''}.py`;

    beforeAll(() => {
      for (const [name, text] of Object.entries(SCRIPTS))
        site.program(file(name), `#!${path}\n# -*- coding: utf-8 -*-${text}`);
    });

    function file(name: string): string {
      return `${name}-${suffix}`;
    }

    function url(name: string, rest = ''): string {
      return server.url(`/${file(name)}${rest}`);
    }

    /** Waits until the log has a line of that script with this text. */
    async function untilLogged(name: string, text: string): Promise<void> {
      await server.waitForOutput(new RegExp(`${file(name).replaceAll('.', '\\.')}: ${text}`));
    }

    test('its arguments, its name, and a module beside it', async () => {
      // Twice: the second time from bytecode, and with what the gateway has learned of the script.
      for (let i = 0; i < 2; i++) {
        const hello = await curl(url('hello', '?a=b&c'));
        expect([hello.status, hello.text]).toEqual([
          200,
          `Hello from ${version}\na=b&c\n${file('hello')} 1 __main__\nfrom the module beside it\n`,
        ]);
      }
      await untilLogged('hello', `a note from ${file('hello')}`);
    });

    test('cookies, and a redirect that sets them', async () => {
      const browser = new CookieJar();
      expect(await (await browser.fetch(url('cookies', '?name=Ada+L'))).text()).toBe('1\n');
      expect(browser.describe('name')).toMatchObject({ value: '"Ada L"', httpOnly: true });
      const body = new URLSearchParams({ name: 'x' });
      const posted = await browser.fetch(url('cookies', '/leave'), { method: 'POST', body });
      expect([posted.url, await posted.text()]).toEqual([url('cookies'), '3\n']);
    });

    test.each([
      { body: '0', logged: [] },
      { body: '3', logged: ['ended with status 3, after its answer'] },
      { body: 'said at the end', logged: ['said at the end', 'ended with status 1, after its answer'] },
    ])('sys.exit($body)', async ({ body, logged }) => {
      const answer = await curl('-d', body, '-H', 'Content-Type: text/plain', url('status'));
      expect([answer.status, answer.text]).toEqual([200, 'exits\n']);
      for (const text of logged) await untilLogged('status', text);
    });

    test('bytes that are no text', async () => {
      const { bytes } = await curl(url('bytes'));
      expect(bytes.equals(Buffer.from(Array.from({ length: 2560 }, (_, i) => i % 256)))).toBe(true);
    });

    // Python 3.13 has no such module, so there is nothing to test: not skipped, which would fail in CI.
    if (!hasCgi) return;

    test('cgi.FieldStorage: a query, and a form with an upload', async () => {
      expect((await curl('-G', '-d', 'colour=a%26b', url('form'))).text).toBe('a&b\n');
      const upload = randomBytes(2_000_000);
      writeFileSync(site.file('upload.bin'), upload);
      const part = `file=@${site.file('upload.bin')};type=application/x-test`;
      const form = await curl('-F', 'colour=red', '-F', 'colour=blue', '-F', part, url('form'));
      const hash = createHash('sha256').update(upload).digest('hex');
      expect(form.text).toBe(`red|blue\nupload.bin ${upload.length} ${hash} application/x-test\n`);
    });

    test('an exception before the head: 502, and a traceback for the log', async () => {
      const failed = await curl(url('form', '?fail=1'));
      expect(failed.status).toBe(502);
      expect(failed.text).not.toContain('ValueError');
      await untilLogged('form', 'ValueError: told to fail');
    });
  });
});
