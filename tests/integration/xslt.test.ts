/** Stylesheets on XML answers, by the real xsltproc. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { xslt } from '../../src/middleware/xslt.js';
import { RawClient } from '../support/http-client.js';
import { answer, type RunningServer, startServer, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import { isMissing } from '../support/test-env.js';

const XSL = 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"';
const sheet = (templates: string, output = '<xsl:output method="html" encoding="UTF-8"/>'): string =>
  `<?xml version="1.0"?><xsl:stylesheet ${XSL}>${output}${templates}</xsl:stylesheet>`;
const LIST = sheet(
  '<xsl:param name="title">none</xsl:param><xsl:template match="/"><html><h1><xsl:value-of select="$title"/></h1><xsl:for-each select="//item"><p><xsl:value-of select="."/></p></xsl:for-each></html></xsl:template>',
);
const ITEMS = '<?xml version="1.0" encoding="UTF-8"?><list><item>one</item><item>zwölf</item></list>';
const XML = ['Content-Type', 'application/xml; charset=utf-8'];

let folder: string;

beforeEach(() => {
  folder = path.join(makeTempDir(), 'sheets');
  mkdirSync(folder);
});

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

type Options = Omit<Parameters<typeof xslt>[0] & object, 'stylesheet'>;

function serve(stylesheet: string, xml: string, options: Options = {}): Promise<RunningServer> {
  const middleware = xslt({ stylesheet: write('page.xsl', stylesheet), ...options });
  return startServer(
    middleware(() => answer(Buffer.from(xml), 200, [...XML, 'ETag', '"1"', 'X-Own', 'kept'])),
  );
}

describe.skipIf(isMissing('xsltproc'))('a stylesheet', () => {
  test('makes a page of XML', async () => {
    const { url } = await serve(LIST, ITEMS, { parameters: { title: `"it's" <here>` } });
    const response = await fetch(url);
    const text = await response.text();
    expect(text).toContain(`<h1>"it's" &lt;here&gt;</h1>`);
    expect(text).toMatch(/<p>one<\/p>\s*<p>zwölf<\/p>/);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      'x-own': 'kept',
    });
    expect(response.headers.get('etag')).toBeNull();
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(head.headers.get('content-length')).toBeNull();
  });

  test('may include what lies in its folder, and say what comes out', async () => {
    write(
      'parts/item.xsl',
      sheet(
        '<xsl:template match="item">[<xsl:value-of select="document(\'names.xml\')/names"/>]</xsl:template>',
        '',
      ),
    );
    write('parts/names.xml', '<names>Ada</names>');
    const main = sheet(
      '<xsl:include href="parts/item.xsl"/>',
      '<xsl:output method="text" media-type="text/csv" encoding="UTF-8"/>',
    );
    const { url } = await serve(main, '<list><item/></list>');
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(await response.text()).toBe('[Ada]');
  });

  test('types: of which answers; mediaType: of what comes out', async () => {
    const options: Options = { types: ['application/atom+xml'], mediaType: 'application/xhtml+xml' };
    const middleware = xslt({ stylesheet: write('page.xsl', LIST), ...options });
    const { url } = await startServer(
      middleware(({ path: target }) =>
        answer(Buffer.from(ITEMS), 200, target === '/atom' ? ['Content-Type', 'application/atom+xml'] : XML),
      ),
    );
    const changed = await fetch(`${url}/atom`);
    expect(changed.headers.get('content-type')).toBe('application/xhtml+xml');
    expect(await changed.text()).toContain('<p>one</p>');
    const other = await fetch(url);
    expect(other.headers.get('content-type')).toBe(XML[1]);
    expect(await other.text()).toBe(ITEMS);
  });

  test('leaves other answers as they are', async () => {
    const middleware = xslt({ stylesheet: write('page.xsl', LIST) });
    const { url } = await startServer(
      middleware((request) =>
        answer(
          '<a/>',
          200,
          request.path === '/svg'
            ? ['Content-Type', 'image/svg+xml']
            : [...XML, 'Cache-Control', 'no-transform'],
        ),
      ),
    );
    for (const at of ['/svg', '/fixed']) expect(await (await fetch(url + at)).text()).toBe('<a/>');
  });

  test.each<[string, string, string, Options, number, string]>([
    ['XML that is not well-formed', LIST, '<a>', {}, 502, 'XGI_XSLT_FAILED'],
    [
      'a stylesheet that ends it',
      sheet('<xsl:template match="/"><xsl:message terminate="yes">no</xsl:message></xsl:template>'),
      '<a/>',
      {},
      502,
      'XGI_XSLT_FAILED',
    ],
    ['too much XML', LIST, `<a>${'x'.repeat(1000)}</a>`, { maxSize: 1000 }, 502, 'XGI_XSLT_SIZE'],
    [
      'what becomes too much',
      sheet(`<xsl:template match="/">${'<xsl:value-of select="."/>'.repeat(20)}</xsl:template>`),
      `<a>${'x'.repeat(100)}</a>`,
      { maxSize: 1000 },
      502,
      'XGI_XSLT_SIZE',
    ],
  ])('%s is an error, and no half page', async (_what, stylesheet, xml, options, status, code) => {
    const { url, log } = await serve(stylesheet, xml, options);
    const response = await fetch(url);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(code);
    expect(log.at(-1)?.fields?.['code']).toBe(code);
  });

  test('more than may run at a time wait', async () => {
    const { url } = await serve(LIST, ITEMS, { concurrency: 1 });
    const texts = await Promise.all(Array.from({ length: 8 }, async () => await (await fetch(url)).text()));
    expect(texts.every((text) => text.includes('zwölf'))).toBe(true);
  });

  test('XML that is streamed is taken in first', async () => {
    const source = new TestSource();
    const middleware = xslt({ stylesheet: write('page.xsl', LIST) });
    const { url } = await startServer(middleware(() => streamed(source, XML)));
    const got = fetch(url);
    await pollUntil(() => source.sink);
    source.sink!.data(Buffer.from('<list><item>a</item>'));
    source.sink!.data(Buffer.from('</list>'));
    source.sink!.end();
    expect(await (await got).text()).toContain('<p>a</p>');
  });

  test('XML is not taken in before there is a place for it; and a client that leaves gives up its own', async () => {
    const sources: TestSource[] = [];
    const middleware = xslt({ stylesheet: write('page.xsl', LIST), concurrency: 1 });
    const { url, port } = await startServer(
      middleware(() => {
        const source = new TestSource();
        sources.push(source);
        return streamed(source, XML);
      }),
    );
    const first = await RawClient.connect(port);
    first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => sources[0]?.sink);
    const others = [fetch(url), fetch(url)];
    await pollUntil(() => sources.length === 3);
    expect(sources.map(({ sink }) => sink !== undefined)).toEqual([true, false, false]);
    first.socket.resetAndDestroy();
    for (const source of sources.slice(1)) {
      await pollUntil(() => source.sink);
      source.sink!.data(Buffer.from('<list><item>a</item></list>'));
      source.sink!.end();
    }
    for (const response of await Promise.all(others)) expect(response.status).toBe(200);
    expect(sources.map(({ cancelled }) => cancelled)).toEqual([1, 0, 0]);
  });
});

test.skipIf(isMissing('xsltproc')).each([
  ['no XML', '<xsl:stylesheet', /xsltproc cannot use page\.xsl: \S*page\.xsl:1: .*error/],
  ['no stylesheet', '<a/>', /xsltproc cannot use page\.xsl: compilation error: .*page\.xsl line 1 element a/],
  ['an unknown instruction', sheet('<xsl:tempate match="/"/>'), /element tempate/],
  ['an include that is no XML', sheet('<xsl:include href="part.xsl"/>'), /part\.xsl/],
])('a stylesheet that does not compile stops the start: %s', (_what, text, message) => {
  write('part.xsl', '<a');
  const start = (): unknown => xslt({ stylesheet: write('page.xsl', text) });
  expect(start).toThrow(message);
  expect(start).toThrow(expect.objectContaining({ code: 'XGI_XSLT_STYLESHEET' }));
});

describe('what cannot be used stops the start', () => {
  test.each([
    ['a stylesheet that is not there', undefined, 'received "none.xsl": there is no such file'],
    [
      'a computed document()',
      sheet('<xsl:template match="/"><xsl:copy-of select="document(@href)"/></xsl:template>'),
      'page.xsl computes what document() reads',
    ],
    [
      'a half computed one',
      sheet(`<xsl:template match="/"><xsl:copy-of select="document ( 'a' | @b )"/></xsl:template>`),
      'page.xsl computes what document() reads',
    ],
    [
      'a file elsewhere',
      sheet(`<xsl:template match="/"><xsl:copy-of select="document('/etc/passwd')"/></xsl:template>`),
      'page.xsl reads "/etc/passwd"',
    ],
    ['a file above', sheet('<xsl:import href="../other.xsl"/>'), 'page.xsl reads "../other.xsl"'],
    [
      'a URL',
      sheet('<xsl:include href="http://example.org/a.xsl"/>'),
      'page.xsl reads "http://example.org/a.xsl"',
    ],
    [
      'an include that does it',
      sheet('<xsl:include href="bad.xsl"/>'),
      'bad.xsl computes what document() reads',
    ],
    [
      'dynamic expressions',
      sheet(
        '<xsl:template match="/" xmlns:dyn="http://exslt.org/dynamic"><xsl:copy-of select="dyn:evaluate(.)"/></xsl:template>',
      ),
      'evaluates text as an expression',
    ],
  ])('%s', (_what, stylesheet, message) => {
    write('bad.xsl', sheet('<xsl:template match="/"><xsl:copy-of select="document(.)"/></xsl:template>'));
    const file = stylesheet === undefined ? path.join(folder, 'none.xsl') : write('page.xsl', stylesheet);
    expect(() => xslt({ stylesheet: file })).toThrow(message);
  });
});
