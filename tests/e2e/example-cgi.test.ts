/** examples/cgi-bin, by the command of the README: the same form in four languages, and the index. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curl, type CurlAnswer } from '../support/cgi-bin.js';
import { repository } from '../support/paths.js';
import { Program } from '../support/process.js';
import { isMissing } from '../support/test-env.js';

const FORMS = [
  { program: 'form.sh', language: 'Shell' },
  { program: 'form.py', language: 'Python' },
  { program: 'form.pl', language: 'Perl' },
  { program: 'form-c', language: 'C' },
];

const CONTENT_TYPE = 'Content-Type: application/x-www-form-urlencoded';

const isUnavailable = ['curl', 'C compiler', 'Perl', 'system Python'].some(isMissing);

describe.skipIf(isUnavailable)('examples/cgi-bin', () => {
  let example: Program;
  let origin: string;

  beforeAll(async () => {
    rmSync(path.join(repository, 'examples/cgi-bin/form-c'), { force: true });
    const script = path.join(repository, 'scripts/example-cgi.mjs');
    example = new Program(process.execPath, [script, '-b', '127.0.0.1:0'], {
      env: { PORT: undefined, XGI_CMD_ARGS: undefined },
    });
    [, origin = ''] = await example.waitForOutput(/Open (http:\/\/127\.0\.0\.1:\d+)\/ in a browser/, 60_000);
  });

  afterAll(async () => {
    expect(await example.stop('SIGINT')).toEqual({ code: 0, signal: null });
  });

  function expectPage(answer: CurlAnswer): void {
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  }

  test('the index links to each, and shows its environment, escaped', async () => {
    const index = await curl('-H', 'X-Name: <i>"Zoë"</i>', `${origin}/?a=b&c=%3Cb%3E<b>`);
    expectPage(index);
    expect(
      [...index.text.matchAll(/<li><a href="([^"]+)">(\w+)<\/a>/g)].map(([, href, name]) => [href, name]),
    ).toEqual(FORMS.map(({ program, language }) => [program, language]));
    expect(index.text).toContain('<tr><th>QUERY_STRING<td>a=b&amp;c=%3Cb%3E&lt;b&gt;');
    expect(index.text).toContain('<tr><th>HTTP_X_NAME<td>&lt;i&gt;&quot;Zoë&quot;&lt;/i&gt;');
    expect(index.text).toContain(`<tr><th>SCRIPT_FILENAME<td>${repository}/examples/cgi-bin/index.cgi`);
  });

  test('the style sheet is a program as well', async () => {
    const style = await curl(`${origin}/style.cgi`);
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    expect(style.text).toMatch(/^:root \{/);
  });

  test('the source in C is not to be had', async () => {
    const source = await curl(`${origin}/form.c`);
    expect(source.status).toBe(500);
    expect(source.text).not.toContain('#include');
  });

  describe.each(FORMS)('$program', ({ program, language }) => {
    const fields = [
      'name=<Zoë> & "Co"',
      'colour=#0aF9c3',
      "message=it's 100%\n$(id) `id` \\x41 %s + </textarea>",
    ];
    const encoded = fields.flatMap((field) => ['--data-urlencode', field]);

    test('an empty form', async () => {
      const answer = await curl(`${origin}/${program}`);
      expectPage(answer);
      expect(answer.text).toContain(`<title>A form in ${language}</title>`);
      expect(answer.text).toContain('<input name="name" value="" required>');
      expect(answer.text).toContain('<input name="colour" type="color" value="#4f46e5">');
      expect(answer.text).not.toContain('<section');
    });

    test.each([
      { method: 'GET', flags: ['-G'] },
      { method: 'POST', flags: [] },
      { method: 'POST', flags: ['-H', 'Transfer-Encoding: chunked'] },
    ])('sent by $method $flags: escaped wherever it comes back', async ({ method, flags }) => {
      const answer = await curl(...flags, ...encoded, `${origin}/${program}`);
      expectPage(answer);
      const name = '&lt;Zoë&gt; &amp; &quot;Co&quot;';
      const message = 'it&#x27;s 100%\n$(id) `id` \\x41 %s + &lt;/textarea&gt;';
      expect(answer.text).toContain(`<h2>Hello, ${name}!</h2>\n<p>${message}</p>`);
      expect(answer.text).toContain(`By ${method}, in #0aF9c3.`);
      expect(answer.text).toContain('fill="#0aF9c3"');
      expect(answer.text).toContain(`value="${name}" required>`);
      expect(answer.text).toContain(`rows="3">${message}</textarea>`);
    });

    test('all four say the same', async () => {
      const ask = async (file: string): Promise<string> =>
        (await curl(...encoded, '-d', 'name=second', '-d', '&&=&x', `${origin}/${file}`)).text;
      const mine = (await ask(program))
        .replaceAll(`in ${language}<`, 'in Shell<')
        .replace(`action="${program}"`, 'action="form.sh"');
      expect(mine).toBe(await ask('form.sh'));
    });

    test('a colour that is none', async () => {
      for (const colour of [
        'red',
        '#12345',
        '#1234567',
        '#12345g',
        '"><script>',
        '#123456"',
        '#12345\n',
        'x\n#123456',
      ]) {
        const flags = ['-G', '-d', 'name=x', '--data-urlencode', `colour=${colour}`];
        const answer = await curl(...flags, `${origin}/${program}`);
        expect(answer.text, colour).toContain('fill="#4f46e5"');
        expect(answer.text).not.toContain('<script>');
      }
    });

    test('what it does not take', async () => {
      const type = await curl('--json', '{}', `${origin}/${program}`);
      expect([type.status, type.text]).toEqual([415, '415 Unsupported Media Type\n']);
      const large = await curl('-d', `message=${'x'.repeat(65_529)}`, `${origin}/${program}`);
      expect([large.status, large.text]).toEqual([413, '413 Content Too Large\n']);
      const method = await curl('-X', 'DELETE', `${origin}/${program}`);
      expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
      const head = await curl('-I', `${origin}/${program}?name=x`);
      expect([head.status, head.bytes.length]).toEqual([200, 0]);
    });

    test('odd escapes, and as much as it takes', async () => {
      const odd = await curl(
        '-H',
        CONTENT_TYPE,
        '-d',
        'name=%41%zz%4%+%C3%AB%e4%b8%ad%&message=a%26b%3Dc',
        `${origin}/${program}`,
      );
      expect(odd.text).toContain('Hello, A%zz%4% ë中%!');
      expect(odd.text).toContain('<p>a&amp;b=c</p>');
      const full = `name=y&message=${'%3C'.repeat(21_000)}`;
      const answer = await curl('-d', full, `${origin}/${program}`);
      expect(answer.text).toContain(`<p>${'&lt;'.repeat(21_000)}</p>`);
    });
  });
});
